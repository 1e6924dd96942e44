/**
 * Raft's promises (paper, figure 3, and raft.md 10.1), watched from outside: what is on the disks, what leaves, what is
 * applied. A server that crashed stays in the books with what its disk held.
 */
import type {
  AppendRequest,
  Entry,
  HardState,
  Heartbeat,
  Membership,
  RaftMessage,
  ServerId,
  SnapshotMeta,
} from '../../../proto/raft.ts';
import { decodeMembership } from '../../../server/raft/membership.ts';
import { isQuorum } from '../../../server/raft/quorum.ts';
import { chainOn, noChain } from './chain.ts';
import type { Findings } from './findings.ts';
import { type DurableLog, type Link, LogMirror } from './log-mirror.ts';

/** The log of one server as the checker may look at it. */
export interface WatchedLog extends DurableLog {
  readonly hardState: HardState;
  snapshot(): SnapshotMeta | undefined;
}

/** One server in one life. */
export interface WatchedServer {
  readonly id: ServerId;
  readonly log: WatchedLog;
  readonly role: string;
  readonly term: number;
  /** Highest entry that it knows to be committed. */
  readonly commit: number;
  readonly membership: Membership;
}

interface Told {
  readonly term: number;
  readonly commit: number;
  readonly membership: Membership;
  /** This membership and those before it in this term. */
  readonly counted: readonly Membership[];
}

/** Two steps of one change, and one of the next. */
const countedMax = 4;

export class RaftChecker {
  readonly #findings: Findings;
  readonly #leaders = new Map<number, ServerId>();
  readonly #votes = new Map<ServerId, Map<number, ServerId>>();
  readonly #mirrors = new Map<ServerId, LogMirror>();
  /** Highest entry that each server vouched for, and in which term. */
  readonly #vouched = new Map<ServerId, { term: number; index: number }>();
  /** Chains by term and index, of all logs that there ever were. */
  readonly #matching = new Map<number, Map<number, number>>();
  /** By index; what was applied anywhere is committed for ever. */
  readonly #committed: Link[] = [{ term: 0, chain: noChain }];
  readonly #applied = new Map<ServerId, number>();
  /** What each leader told to be committed last, and the membership that it counted with. */
  readonly #told = new Map<ServerId, Told>();
  /** By term: what its leader knew to be committed when it was elected. */
  readonly #inherited = new Map<number, number>();
  /** By term: what was committed by anybody when its leader was elected. */
  readonly #committedBefore = new Map<number, number>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Number of committed entries that were seen. */
  get committedIndex(): number {
    return this.#committed.length - 1;
  }

  get elections(): number {
    return this.#leaders.size;
  }

  committedAt(index: number): Link | undefined {
    return this.#committed[index];
  }

  /** The server has read its disk after a start. What it promised in earlier lives must be there. */
  opened(server: WatchedServer): void {
    const { id, log } = server;
    const { term, vote } = log.hardState;
    const vouched = this.#vouched.get(id);
    if (vouched !== undefined) {
      this.#findings.check(
        term > vouched.term || (term === vouched.term && log.lastIndex() >= vouched.index),
        'durability',
        () =>
          `${id} vouched for entry ${vouched.index} in term ${vouched.term} and came back in term ${term} with ${log.lastIndex()} entries`,
      );
    }
    const voted = Math.max(0, ...(this.#votes.get(id)?.keys() ?? []));
    const candidate = this.#votes.get(id)?.get(voted);
    this.#findings.check(
      candidate === undefined || term > voted || (term === voted && vote === candidate),
      'durability',
      () => `${id} voted for ${candidate} in term ${voted} and came back with ${vote} in term ${term}`,
    );
    this.#applied.set(id, log.snapshot()?.index ?? 0);
    this.#sync(server);
  }

  /** Nothing leaves that vouches for more than what is on the sender's disk (raft.md 3.1). */
  sending(server: WatchedServer, message: RaftMessage): void {
    const { id, log } = server;
    const { hardState } = log;
    const isVote = message.type === 'vote' || message.type === 'voteAnswer';
    if (isVote && message.pre) return;
    this.#durable(message.term <= hardState.term, server, message, 'its term');
    if (message.type === 'vote') {
      this.#voted(id, message.term, id);
      this.#durable(
        hardState.term > message.term || hardState.vote === id,
        server,
        message,
        'the vote for itself',
      );
      this.#durable(message.lastIndex <= log.lastIndex(), server, message, 'the log it names');
    }
    if (message.type === 'voteAnswer' && message.granted) {
      this.#voted(id, message.term, message.to);
      this.#durable(
        hardState.term > message.term || hardState.vote === message.to,
        server,
        message,
        'the vote',
      );
    }
    if (message.type === 'appendAnswer' && !message.rejected) {
      this.#durable(message.index <= log.lastIndex(), server, message, `entry ${message.index}`);
      this.#vouch(id, message.term, message.index);
    }
    this.#sync(server);
    if (message.type === 'append' || message.type === 'heartbeat') this.#checkTold(server, message);
  }

  /** The server has dealt with a message: no leader hears of a higher term and leads on in its own (5.1). */
  received({ id, role, term }: WatchedServer, message: RaftMessage): void {
    // Whoever asks for a vote has not won a term yet, and a leader that others hear need not care.
    if (message.type === 'vote' || message.type === 'voteAnswer') return;
    this.#findings.check(
      role !== 'leader' || message.term <= term,
      'one leader at a time',
      () => `${id} leads on in term ${term} after a message of ${message.from} in term ${message.term}`,
    );
  }

  /** Election safety (5.2) and leader completeness (5.4). */
  elected(server: WatchedServer): void {
    const { id, term } = server;
    const other = this.#leaders.get(term);
    this.#findings.check(
      other === undefined || other === id,
      'election safety',
      () => `${other} and ${id} both lead in term ${term}`,
    );
    this.#leaders.set(term, id);
    this.#inherited.set(term, server.commit);
    const mirror = this.#sync(server);
    const index = this.#committedBelow(term);
    const held = mirror.at(index);
    this.#findings.check(
      held?.chain === this.#committed[index]!.chain,
      'leader completeness',
      () =>
        `${id} leads in term ${term} with ${mirror.last} entries and without the committed entry ${index}`,
    );
  }

  /**
   * Up to where everything was committed in terms below this one. Whoever stood still while its votes came may learn that
   * it leads when a later term has a leader already: what that one has committed, it need not have.
   */
  #committedBelow(term: number): number {
    const later = [...this.#committedBefore].filter(([other]) => other > term).map(([, index]) => index);
    this.#committedBefore.set(term, this.committedIndex);
    return Math.min(this.committedIndex, ...later);
  }

  /** State machine safety (5.4.3); and what is committed first is on the disks of a majority. */
  applied(server: WatchedServer, entry: Entry): void {
    const { id } = server;
    const expected = (this.#applied.get(id) ?? 0) + 1;
    // A snapshot that was installed moves on by more than one.
    this.#findings.check(
      entry.index >= expected,
      'order',
      () => `${id} applies ${entry.index} after ${expected - 1}`,
    );
    this.#applied.set(id, entry.index);
    const before = this.#committed[entry.index - 1];
    if (before === undefined) {
      this.#findings.add('order', `${id} applies ${entry.index}, and nobody applied the one before`);
      return;
    }
    const chain = chainOn(before.chain, entry);
    const known = this.#committed[entry.index];
    if (known === undefined) {
      this.#committed[entry.index] = { term: entry.term, chain };
      if (server.role === 'leader') this.#checkMajority(server, entry);
    } else {
      this.#findings.check(
        known.chain === chain,
        'state machine safety',
        () =>
          `${id} applies another entry at ${entry.index} (term ${entry.term}) than others did (term ${known.term})`,
      );
    }
  }

  #checkMajority(server: WatchedServer, { index, kind, data }: Entry): void {
    this.#sync(server);
    const { term } = server;
    // A change counts from the moment in which it stands in the log; the server may be a step further by now, or several when
    // it applies late.
    const now = kind === 'membership' ? decodeMembership(data) : server.membership;
    const counted = kind === 'membership' ? [now] : [now, ...this.#countedBefore(server)];
    const { chain, term: ofEntry } = this.#committed[index]!;
    const isInherited = index <= (this.#inherited.get(term) ?? 0);
    if (ofEntry < term && !isInherited) this.#checkOwnTerm(server, counted, index);
    const holds = (id: ServerId) => this.#mirrors.get(id)?.at(index)?.chain === chain;
    this.#findings.check(
      counted.some((each) => isQuorum(each, holds)),
      'commit by majority',
      () => `${server.id} commits ${index}, which is on the disks of ${shareOf(now, holds)}`,
    );
  }

  /** The memberships that a leader told its commits with, newest last. */
  #countedBefore({ id, term }: WatchedServer): readonly Membership[] {
    const told = this.#told.get(id);
    return told?.term === term ? told.counted : [];
  }

  /** What a leader tells to be committed is on the disks of a majority by then, whether its own is among them or not. */
  #checkTold(leader: WatchedServer, { term, commit: least }: AppendRequest | Heartbeat): void {
    const { id } = leader;
    const before = this.#told.get(id);
    if (before?.term === term && least <= before.commit) return;
    const { commit, membership } = leader;
    const known = before?.term === term ? before.counted.filter((each) => each !== membership) : [];
    this.#told.set(id, { term, commit, membership, counted: [...known, membership].slice(-countedMax) });
    // What it inherited is for others to answer for; and with another membership it may have counted with the one before.
    if (before?.term !== term || before.membership !== membership) return;
    const { voters, outgoing } = membership;
    for (const group of outgoing === null ? [voters] : [voters, outgoing]) {
      const holders = new Map<number | undefined, number>();
      for (const voter of group) {
        const chain = this.#mirrors.get(voter)?.at(commit)?.chain;
        holders.set(chain, (holders.get(chain) ?? 0) + 1);
      }
      holders.delete(undefined);
      const most = Math.max(0, ...holders.values());
      this.#findings.check(
        most * 2 > group.length,
        'commit by majority',
        () => `${id} tells that ${commit} is committed, which is on the disks of ${most} of ${group.length}`,
      );
    }
  }

  /**
   * A leader counts entries of its own term only; older ones are committed with the first of those (5.4.2). Its own disk
   * may be the last to hold that.
   */
  #checkOwnTerm({ id, term }: WatchedServer, counted: readonly Membership[], index: number): void {
    const holds = (voter: ServerId) => (this.#mirrors.get(voter)?.lastTerm ?? 0) >= term;
    this.#findings.check(
      counted.some((each) => isQuorum(each, holds)),
      'commit in the own term',
      () => `${id} commits ${index} in term ${term} before a majority holds an entry of that term`,
    );
  }

  #vouch(id: ServerId, term: number, index: number): void {
    const before = this.#vouched.get(id);
    if (before === undefined || term > before.term) this.#vouched.set(id, { term, index });
    else before.index = Math.max(before.index, index);
  }

  #voted(voter: ServerId, term: number, candidate: ServerId): void {
    let votes = this.#votes.get(voter);
    if (votes === undefined) {
      votes = new Map();
      this.#votes.set(voter, votes);
    }
    const before = votes.get(term);
    this.#findings.check(
      before === undefined || before === candidate,
      'one vote a term',
      () => `${voter} votes for ${before} and for ${candidate} in term ${term}`,
    );
    votes.set(term, candidate);
  }

  #durable(holds: boolean, { id }: WatchedServer, message: RaftMessage, what: string): void {
    this.#findings.check(holds, 'durability', () => {
      return `${id} sends ${message.type} of term ${message.term} before ${what} is on its disk`;
    });
  }

  /** Log matching (5.3): a chain covers everything before it. */
  #sync({ id, log }: WatchedServer): LogMirror {
    let mirror = this.#mirrors.get(id);
    if (mirror === undefined) {
      mirror = new LogMirror();
      this.#mirrors.set(id, mirror);
    }
    const fresh = mirror.sync(log, (index) => this.#committed[index]);
    if (fresh === null) return mirror;
    for (let index = fresh.from; index <= fresh.to; index++) this.#match(id, index, mirror.at(index)!);
    return mirror;
  }

  #match(id: ServerId, index: number, { term, chain }: Link): void {
    let ofTerm = this.#matching.get(term);
    if (ofTerm === undefined) {
      ofTerm = new Map();
      this.#matching.set(term, ofTerm);
    }
    const known = ofTerm.get(index);
    if (known === undefined) ofTerm.set(index, chain);
    else {
      this.#findings.check(
        known === chain,
        'log matching',
        () =>
          `the log of ${id} up to entry ${index} of term ${term} differs from another one that has this entry`,
      );
    }
  }
}

/** Of the new voters, and of the old ones in a joint phase: how many there are for whom it is so. */
function shareOf({ voters, outgoing }: Membership, isSo: (id: ServerId) => boolean): string {
  const groups = outgoing === null ? [voters] : [voters, outgoing];
  return groups.map((group) => `${group.filter(isSo).length} of ${group.length}`).join(' and ');
}
