/**
 * An agent whose main thread stands still cannot say so in the catalog: only its gossip lives. The agent of the leader hears
 * of it and writes the critical check in its place. As soon as the agent runs again, its own word counts.
 */
import { isExpected } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { UserEvent } from './gossip/membership.ts';
import { stalledCheckRow } from './notices.ts';
import { readStallNews, type StallNews } from './stall-news.ts';

export interface StallWitnessPorts {
  readonly rpc: Rpc;
  readonly logger: Logger;
  /** Whether the server of this host leads: one of all who hear it has to write. */
  isLeader(): boolean;
}

/** Agents that are written about at once. */
const busyMax = 64;

export class StallWitness {
  readonly #ports: StallWitnessPorts;
  readonly #busy = new Set<string>();

  constructor(ports: StallWitnessPorts) {
    this.#ports = ports;
  }

  receive(event: UserEvent): void {
    const news = readStallNews(event);
    if (news?.kind !== 'stalled' || !this.#ports.isLeader()) return;
    if (this.#busy.has(news.node) || this.#busy.size >= busyMax) return;
    this.#busy.add(news.node);
    void this.#testify(news).finally(() => this.#busy.delete(news.node));
  }

  async #testify({ node, text }: StallNews): Promise<void> {
    const { rpc, logger } = this.#ports;
    try {
      const query = { of: 'node', node } as const;
      const { rows } = await rpc.call('catalog.query', { query, mode: 'default', maxStaleMs: null });
      const [row] = rows.nodes;
      if (row === undefined || row.external || row.state !== 'alive') return;
      const { name, id, address, datacenter, taggedAddresses, meta } = row;
      const host = { name, id, address, datacenter, taggedAddresses, meta, skipUpdate: true };
      const check = { ...stalledCheckRow(text), node, serviceName: '', serviceTags: [] };
      await rpc.call('catalog.write', {
        body: { kind: 'catalog.register', v: 1, node: host, service: null, checks: [check] },
        once: null,
      });
    } catch (error) {
      if (!isExpected(error)) throw error;
      logger.debug(`cannot write that ${node} stands still: ${error.message}`);
    }
  }
}
