/**
 * What gossip noticed that is no change of membership: lines for people, records for the event log, and one check that
 * says that this agent stood still while its gossip went on.
 */

import type { Logger } from '../proto/logger.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { OwnCheck } from '../proto/schema/catalog.ts';
import type { JournalDraft } from '../proto/schema/journal.ts';
import type { GossipNotice } from './gossip-thread.ts';
import type { LocalState } from './local-state.ts';

/** The check stays critical this long after the last stall, so that a poll can see it. */
const stalledForMs = 60_000;
const stalledCheck = 'agent-stalled';
/** A shorter stop of the gossip thread is everyday life on a busy host. */
const worthALineMs = 1_000;

/** The check that says that an agent stood still, critical. */
export function stalledCheckRow(output: string): OwnCheck {
  return {
    id: stalledCheck,
    name: 'agent was stalled',
    notes: '',
    status: 'critical',
    output,
    serviceId: '',
    type: '',
    definition: {},
  };
}

/** Another address at which a member sees this agent: translated on the way, or advertised wrongly. */
export interface SeenAs {
  readonly address: string;
  /** Who said so last, and when; Unix milliseconds. */
  readonly by: string;
  readonly atMs: number;
}

/** Whoever has more addresses than that is better looked for in the network. */
const seenAsMax = 16;
/** Without encryption anybody may invent addresses for us; the log hears of a new one this often at most. */
const seenLineEveryMs = 60_000;

export interface NoticePorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: LocalState;
  record(draft: JournalDraft): void;
  /** Somebody living has our name and another node id: this agent must not go on. */
  nameTaken(text: string): void;
}

export class Notices {
  readonly #ports: NoticePorts;
  readonly #seenAs = new Map<string, SeenAs>();
  #seenLineMs = Number.NEGATIVE_INFINITY;
  #recovery: Timer | null = null;

  constructor(ports: NoticePorts) {
    this.#ports = ports;
    // A stall that ended with the process is over.
    ports.state.removeCheck(stalledCheck);
  }

  receive(notice: GossipNotice): void {
    const { logger } = this.#ports;
    switch (notice.kind) {
      case 'name-taken': {
        const { name, address, id } = notice.rival;
        this.#ports.nameTaken(
          `the node name ${name} is taken by a living member at ${address} (node id ${id || 'unknown'}): choose another node_name, or stop that agent`,
        );
        return;
      }
      case 'name-conflict':
        logger.warn('another agent uses the name of this node', { ...notice.rival });
        this.#tell('security.name_conflict', `${notice.rival.address} claims to be ${notice.rival.name}`, {
          Address: notice.rival.address,
          Id: notice.rival.id,
        });
        return;
      case 'intrusion': {
        const { reasons, sources } = notice.report;
        const total = Object.values(reasons).reduce((sum, count) => sum + count, 0);
        logger.warn('packets of strangers were dropped', { reasons, sources });
        this.#tell('security.rejected', `${total} foreign packets and streams were dropped`, {
          Reasons: { ...reasons },
          Sources: sources.map(({ host, count }) => ({ Host: host, Count: count })),
        });
        return;
      }
      case 'seen-elsewhere':
        this.#receiveSeen(notice.address, notice.by);
        return;
      case 'stall':
        logger[notice.stallMs >= worthALineMs ? 'warn' : 'debug'](
          `the gossip thread stood still for ${notice.stallMs.toFixed(0)} ms`,
        );
        return;
      case 'main-stall':
        this.#receiveStall(notice.stallMs);
        return;
      case 'disk':
        logger.error(`gossip cannot write: ${notice.message}`);
        return;
    }
  }

  /** Newest last. */
  seenAs(): SeenAs[] {
    return [...this.#seenAs.values()];
  }

  stop(): void {
    this.#recovery?.cancel();
  }

  /** Each member says so every few minutes; one line for an address is enough. */
  #receiveSeen(address: string, by: string): void {
    const { clock, logger } = this.#ports;
    const isKnown = this.#seenAs.delete(address);
    if (!isKnown && clock.nowMs() - this.#seenLineMs >= seenLineEveryMs) {
      this.#seenLineMs = clock.nowMs();
      logger.warn(
        `${by} sees the gossip of this agent come from ${address}, which is not what it advertises: its host translates addresses, or advertise is wrong`,
      );
    }
    if (!isKnown) {
      const [oldest] = this.#seenAs.keys();
      if (oldest !== undefined && this.#seenAs.size >= seenAsMax) this.#seenAs.delete(oldest);
    }
    this.#seenAs.set(address, { address, by, atMs: clock.wallMs() });
  }

  #receiveStall(stallMs: number): void {
    const { clock, logger, state } = this.#ports;
    const text = `this agent stood still for ${(stallMs / 1000).toFixed(1)} s while its gossip went on`;
    logger.warn(text);
    this.#tell('agent.stalled', text, { StallMs: Math.round(stallMs) });
    if (state.check(stalledCheck) === undefined) state.putCheck(stalledCheckRow(text));
    else state.changeStatus(stalledCheck, 'critical', text, 'check');
    this.#recovery?.cancel();
    this.#recovery = clock.after(stalledForMs, () => {
      state.changeStatus(stalledCheck, 'passing', 'the agent runs again', 'check');
    });
  }

  #tell(
    event: Extract<JournalDraft, { kind: 'notice' }>['event'],
    output: string,
    evidence: Extract<JournalDraft, { kind: 'notice' }>['evidence'],
  ): void {
    this.#ports.record({ kind: 'notice', observedAtMs: this.#ports.clock.wallMs(), event, output, evidence });
  }
}
