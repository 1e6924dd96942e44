/**
 * Gossip as the rest of the agent sees it. The core itself runs in a thread of its own
 * (`agent/gossip-thread.ts`), so everything that must ask it is a promise, and what is read often
 * (`members`, `self`) is a copy that the thread keeps fresh.
 */
import type { Endpoint } from '../../proto/ports.ts';

export type MemberState = 'alive' | 'suspect' | 'failed' | 'leaving' | 'left';

export interface Member {
  readonly name: string;
  readonly address: Endpoint;
  /** What the member says of itself; `id` is the uuid of its data folder. */
  readonly tags: Readonly<Record<string, string>>;
  readonly state: MemberState;
  readonly incarnation: number;
  /** Unix milliseconds of this agent's clock when the state was taken on. */
  readonly sinceMs: number;
  /** memberlist's Vsn vector: protocol min, max, cur, delegate min, max, cur. */
  readonly vsn: readonly number[];
}

/** What led to a verdict; JSON-compatible, since it travels into the event log as it is. */
export type Dossier = Readonly<Record<string, unknown>>;

export interface MembershipChange {
  readonly kind: 'joined' | 'updated' | 'failed' | 'recovered' | 'left' | 'reaped';
  readonly member: Member;
  /** Present when this agent's own timer gave the verdict. */
  readonly dossier: Dossier | null;
}

/** A Serf user event as it was delivered here, once. */
export interface UserEvent {
  readonly name: string;
  readonly payload: Uint8Array;
  /** Lamport time. */
  readonly ltime: number;
  readonly coalesce: boolean;
}

export interface JoinResult {
  /** How many of the addresses answered. */
  readonly joined: number;
  readonly failures: ReadonlyArray<{ readonly address: string; readonly message: string }>;
}

export interface QueryRequest {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly nodes: readonly string[];
  /** Tag name → regular expression. */
  readonly tags: Readonly<Record<string, string>>;
  readonly ack: boolean;
  readonly relayFactor: number;
  /** 0: Serf's default for the cluster's size. */
  readonly timeoutMs: number;
}

export interface QueryResult {
  readonly acks: readonly string[];
  readonly answers: ReadonlyArray<{ readonly from: string; readonly payload: Uint8Array }>;
}

export interface Membership {
  members(): readonly Member[];
  member(name: string): Member | undefined;
  self(): Member;
  /** Returns the function that ends the subscription. */
  onChange(listener: (change: MembershipChange) => void): () => void;
  onUserEvent(listener: (event: UserEvent) => void): () => void;
  /** Each address is `host`, `host:port`, `[::1]:port` or `::1`. */
  join(addresses: readonly string[]): Promise<JoinResult>;
  /**
   * Says goodbye and waits until the others had the time to hear it. `forGood`: the next start looks for nobody by
   * itself; else it tries the members of this life again.
   */
  leave(options: { forGood: boolean }): Promise<void>;
  /** False when there is no such member. */
  forceLeave(name: string, options: { prune: boolean }): Promise<boolean>;
  setTags(tags: Readonly<Record<string, string>>): Promise<void>;
  fireEvent(event: { name: string; payload: Uint8Array; coalesce: boolean }): Promise<void>;
  query(request: QueryRequest): Promise<QueryResult>;
  /** Counters and gauges of the gossip layer, by name. */
  stats(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}
