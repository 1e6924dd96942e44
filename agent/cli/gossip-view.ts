/** Gossip as the servers see it. Empty until gossip has started, for a server listens before it is announced. */
import type { GossipMember, GossipNews, GossipView } from '../../server/gossip-view.ts';
import type { Member, Membership } from '../gossip/membership.ts';
import { serverOf } from '../tags.ts';

export class LateGossipView implements GossipView {
  #membership: Membership | null = null;
  readonly #listeners = new Set<(news: GossipNews) => void>();

  attach(membership: Membership): void {
    this.#membership = membership;
    membership.onChange(({ member, dossier }) => {
      for (const listener of this.#listeners) listener({ member: seen(member), dossier });
    });
  }

  members(): readonly GossipMember[] {
    return this.#membership?.members().map(seen) ?? [];
  }

  member(name: string): GossipMember | undefined {
    const member = this.#membership?.member(name);
    return member === undefined ? undefined : seen(member);
  }

  onChange(listener: (news: GossipNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function seen(member: Member): GossipMember {
  const { name, tags, address, state, incarnation } = member;
  return {
    name,
    id: tags.id ?? '',
    host: address.host,
    datacenter: tags.dc ?? '',
    state,
    incarnation,
    server: serverOf(member),
  };
}
