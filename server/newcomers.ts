/** Servers that gossip shows and the membership lacks, and what they say of themselves when they are asked. */
import { type ErrorCode, ExpectedError, isExpected } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Membership, ServerId } from '../proto/raft.ts';
import type { BootstrapStatus, ClusterSeed, Rpc } from '../proto/rpc.ts';
import { type GossipMember, type GossipView, isThere } from './gossip-view.ts';

export interface NewcomersPorts {
  readonly seed: ClusterSeed;
  readonly gossip: GossipView;
  readonly logger: Logger;
  /** Servers that an operator removed. */
  barred(): ReadonlySet<ServerId>;
  /** Level of commands that the cluster has agreed on: whoever joins must be able to apply them. */
  level(): number;
  rpc(server: ServerId): Rpc;
}

const callTimeoutMs = 2_000;
/** What people should hear of, and hear once: nothing changes before somebody acts. */
const telling: readonly ErrorCode[] = ['FOREIGN_CLUSTER', 'PROTOCOL'];
/** A damaged server removes its log before it answers. */
const refillTimeoutMs = 10_000;

export class Newcomers {
  readonly #ports: NewcomersPorts;
  /** Servers that cannot join and were named already. */
  readonly #named = new Set<ServerId>();

  constructor(ports: NewcomersPorts) {
    this.#ports = ports;
  }

  /** One that is ready to be taken in; it has the seed of this cluster, and an empty or a sound log. */
  async find(membership: Membership): Promise<GossipMember | null> {
    const known = new Set([...membership.voters, ...membership.learners, ...this.#ports.barred()]);
    for (const member of this.#ports.gossip.members()) {
      if (member.server === null || member.id === '' || !isThere(member) || known.has(member.id)) continue;
      try {
        if (await this.#isOneOfUs(member.id)) return member;
      } catch (error) {
        if (!isExpected(error)) throw error;
        this.#nameOnce(member, error);
      }
    }
    return null;
  }

  /** Whether it says of its own log that it is damaged; false when it does not answer. */
  async isDamaged(id: ServerId): Promise<boolean> {
    try {
      const { damaged, clusterId } = await this.#ask(id);
      return damaged && clusterId === this.#ports.seed.clusterId;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return false;
    }
  }

  /** False when it does not want to join. Rejects with FOREIGN_CLUSTER, or when it does not answer. */
  async #isOneOfUs(id: ServerId): Promise<boolean> {
    const { seed, rpc, level } = this.#ports;
    const status = await this.#ask(id);
    if (!status.joins) return false;
    const { level: theirs = 1 } = status;
    if (theirs < level()) {
      const text = `it knows commands up to level ${theirs}, and the cluster uses ${level()}: update it`;
      throw new ExpectedError('PROTOCOL', text);
    }
    let { clusterId } = status;
    if (clusterId === '') {
      ({ clusterId } = await rpc(id).call('bootstrap.take', seed, { timeoutMs: callTimeoutMs }));
    } else if (status.damaged && clusterId === seed.clusterId) {
      await rpc(id).call('server.refill', seed, { timeoutMs: refillTimeoutMs });
    }
    if (clusterId !== seed.clusterId) throw new ExpectedError('FOREIGN_CLUSTER', `it is in ${clusterId}`);
    return true;
  }

  #ask(id: ServerId): Promise<BootstrapStatus> {
    return this.#ports.rpc(id).call('bootstrap.status', {}, { timeoutMs: callTimeoutMs });
  }

  #nameOnce(member: GossipMember, error: ExpectedError): void {
    if (!telling.includes(error.code) || this.#named.has(member.id)) return;
    this.#named.add(member.id);
    this.#ports.logger.warn(`server ${member.name} cannot join: ${error.message}`);
  }
}
