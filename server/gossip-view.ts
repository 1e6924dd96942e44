/**
 * Gossip as the servers see it: who is there, and news about it. The agent adapts its membership to this, so that
 * nothing of `agent/` is imported here.
 */
import type { Endpoint } from '../proto/ports.ts';

/** What a member that is a server says of itself. */
export interface ServerTags {
  /** Where its RPC listens. */
  readonly rpc: Endpoint;
  /** `bootstrap_expect`; 0: it never begins a cluster. */
  readonly expect: number;
}

export interface GossipMember {
  readonly name: string;
  /** Uuid of its data folder; '' when it does not say (a stranger that speaks our gossip). */
  readonly id: string;
  readonly host: string;
  readonly datacenter: string;
  readonly state: 'alive' | 'suspect' | 'failed' | 'leaving' | 'left';
  readonly incarnation: number;
  /** Null for an agent that is no server. */
  readonly server: ServerTags | null;
}

export interface GossipNews {
  readonly member: GossipMember;
  /** What led to the verdict, when this very agent gave it. */
  readonly dossier: unknown;
}

export interface GossipView {
  /** All members that gossip remembers, this agent included. */
  members(): readonly GossipMember[];
  member(name: string): GossipMember | undefined;
  /** Returns the function that ends the subscription. */
  onChange(listener: (news: GossipNews) => void): () => void;
}

/** Whether gossip counts on it: a suspect is innocent until its time is up. */
export function isThere(member: GossipMember): boolean {
  return member.state === 'alive' || member.state === 'suspect';
}
