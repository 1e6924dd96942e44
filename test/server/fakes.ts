/** Stand-ins for what surrounds the servers: a gossip that says what a test tells it, and a logger that keeps quiet. */

import type { Logger } from '../../proto/logger.ts';
import type { GossipMember, GossipNews, GossipView } from '../../server/gossip-view.ts';

export const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

export class FakeGossip implements GossipView {
  readonly #members = new Map<string, GossipMember>();
  readonly #listeners = new Set<(news: GossipNews) => void>();

  members(): readonly GossipMember[] {
    return [...this.#members.values()];
  }

  member(name: string): GossipMember | undefined {
    return this.#members.get(name);
  }

  onChange(listener: (news: GossipNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** News about a member; whoever is not known yet is a living plain agent. */
  hear(name: string, fields: Partial<GossipMember> = {}, dossier: unknown = null): void {
    const member: GossipMember = {
      name,
      id: `id-${name}`,
      host: '10.0.0.1',
      datacenter: 'dc1',
      state: 'alive',
      incarnation: 1,
      server: null,
      ...this.#members.get(name),
      ...fields,
    };
    this.#members.set(name, member);
    for (const listener of this.#listeners) listener({ member, dossier });
  }

  forget(name: string): void {
    this.#members.delete(name);
  }
}
