/**
 * Two members claim our name: the others are asked whom they know. Only a newcomer that loses goes; an older member
 * that somebody else's false claim has outvoted stays, and says that something is wrong.
 */
import { formatAddress } from '../../../proto/address.ts';
import { decodeSerf } from '../../../proto/gossip/serf.ts';
import { encodeText } from '../../../proto/gossip/text.ts';
import { hostOf } from '../addresses.ts';
import type { QueryResult } from '../membership.ts';
import type { Rival } from '../name-claim.ts';
import type { Parts } from '../parts.ts';
import type { Announcement, MemberRecord } from '../records.ts';
import { conflictQueryName } from './internal-queries.ts';
import type { Serf } from './serf.ts';

/** How long after its start a member counts as a newcomer. */
const newcomerMs = 60_000;
/** A claim that goes on is not put to the vote more often than this. */
const voteIntervalMs = 60_000;

export interface ConflictReports {
  /** We are the newcomer, and were outvoted. */
  onTaken(rival: Rival): void;
  /** Somebody claims our name, and we stay. */
  onConflict(rival: Rival): void;
}

export class ConflictVote {
  readonly #parts: Parts;
  readonly #serf: Serf;
  readonly #reports: ConflictReports;
  readonly #startedMs: number;
  #votedMs = Number.NEGATIVE_INFINITY;

  constructor(options: { parts: Parts; serf: Serf; reports: ConflictReports }) {
    this.#parts = options.parts;
    this.#serf = options.serf;
    this.#reports = options.reports;
    this.#startedMs = options.parts.deadlines.nowMs();
  }

  /** A conflict between others is theirs to settle. */
  onConflict(existing: MemberRecord, other: Announcement): void {
    const { deadlines, self } = this.#parts;
    const nowMs = deadlines.nowMs();
    if (existing.name !== self.name || nowMs - this.#votedMs < voteIntervalMs) return;
    this.#votedMs = nowMs;
    const rival = rivalOf(this.#parts, other);
    this.#serf.query(
      {
        name: conflictQueryName,
        payload: encodeText(self.name),
        nodes: [],
        tags: {},
        ack: false,
        relayFactor: 0,
        timeoutMs: 0,
      },
      { onDone: (result) => this.#count(result, rival) },
    );
  }

  #count({ answers }: QueryResult, rival: Rival): void {
    const forUs = answers.filter(({ payload }) => this.#isForUs(payload)).length;
    const lost = forUs < Math.floor(answers.length / 2) + 1;
    this.#parts.counters.add(lost ? 'name_votes_lost' : 'name_votes_won');
    const isNewcomer = this.#parts.deadlines.nowMs() - this.#startedMs < newcomerMs;
    if (lost && isNewcomer && answers.length > 0) this.#reports.onTaken(rival);
    else this.#reports.onConflict(rival);
  }

  #isForUs(payload: Uint8Array): boolean {
    const { message } = decodeSerf(payload);
    if (message?.type !== 'serf.conflictResponse' || message.member === null) return false;
    const { endpoint } = this.#parts.self.record;
    return hostOf(message.member.addr) === endpoint.host && message.member.port === endpoint.port;
  }
}

function rivalOf(parts: Parts, other: Announcement): Rival {
  const record = parts.records.intern(other);
  return {
    name: other.node,
    address: record === undefined ? 'an address that makes no sense' : formatAddress(record.endpoint),
    id: record?.id ?? '',
  };
}
