/**
 * What a server takes up when it leads and puts down when it leads no longer. Every server has these parts ready; only the
 * leader's write anything.
 */
import { isExpected, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';
import type { Rpc } from '../proto/rpc.ts';
import { Autopilot, type AutopilotLimits } from './autopilot.ts';
import type { Consensus } from './consensus.ts';
import { CursorDesk } from './cursor-desk.ts';
import type { GossipView } from './gossip-view.ts';
import { Levels } from './levels.ts';
import type { Standing } from './raft/ready.ts';
import { Reconcile, type ReconcileLimits } from './reconcile.ts';
import { Retention, type RetentionLimits } from './retention.ts';

export interface DutiesLimits {
  readonly reconcile?: Partial<ReconcileLimits>;
  readonly autopilot?: Partial<AutopilotLimits>;
  readonly retention?: Partial<RetentionLimits>;
}

export interface DutiesPorts {
  readonly id: ServerId;
  readonly name: string;
  readonly datacenter: string;
  readonly consensus: Consensus;
  readonly gossip: GossipView;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Newest level of commands that this server announces. */
  readonly commandLevel: number;
  rpc(server: ServerId): Rpc;
}

export class Duties {
  readonly reconcile: Reconcile;
  readonly autopilot: Autopilot;
  readonly cursors: CursorDesk;
  readonly levels: Levels;
  readonly retention: Retention;
  readonly #ports: DutiesPorts;

  constructor(ports: DutiesPorts, limits: DutiesLimits) {
    this.#ports = ports;
    const { id, gossip, clock, logger, datacenter, consensus } = ports;
    const { replica, fsm, events, seed } = consensus;
    const propose = replica.propose.bind(replica);
    const common = { clock, logger, gossip, propose: (body: Parameters<typeof propose>[0]) => propose(body) };
    const state = () => fsm.state;
    this.reconcile = new Reconcile({ ...common, datacenter, state }, limits.reconcile);
    this.autopilot = new Autopilot(
      {
        ...common,
        id,
        seed,
        replica,
        servers: () => fsm.state.servers,
        barred: () => fsm.state.barred,
        level: () => fsm.state.level,
        rpc: (server) => ports.rpc(server),
      },
      limits.autopilot,
    );
    this.levels = new Levels({
      ...common,
      id,
      own: ports.commandLevel,
      agreed: () => fsm.state.level,
      membership: () => replica.status().membership,
      rpc: (server) => ports.rpc(server),
    });
    this.cursors = new CursorDesk({ ...common, state });
    this.retention = new Retention(
      { ...common, events, gaps: () => fsm.state.events.gaps },
      limits.retention,
    );
  }

  onStanding(standing: Standing): void {
    if (standing.role === 'leader') void this.#lead(standing.term);
    else this.follow();
  }

  follow(): void {
    for (const duty of this.#all()) duty.follow();
  }

  /** They begin when everything that earlier leaders committed has been applied here. */
  async #lead(term: number): Promise<void> {
    const { consensus, name, id, logger } = this.#ports;
    const { replica } = consensus;
    try {
      await replica.readBarrier('consistent');
      const { standing } = replica;
      if (standing.role !== 'leader' || standing.term !== term) return;
      for (const duty of this.#all()) duty.lead();
      await replica.propose({ kind: 'leader.elected', v: 1, node: name, nodeId: id, term });
    } catch (error) {
      if (!isExpected(error)) throw error;
      logger.debug(`leadership of term ${term} ended early: ${messageOf(error)}`);
    }
  }

  #all() {
    return [this.reconcile, this.autopilot, this.levels, this.cursors, this.retention];
  }
}
