/**
 * What the main thread and the gossip thread say to each other. Plain data only: it is copied on the way, or handed over
 * as it is when both live in one thread.
 */
import { type ErrorCode, ExpectedError, errorCodes } from '../proto/errors.ts';
import type { Endpoint } from '../proto/ports.ts';
import type { GossipConfig, GossipProfileName } from './gossip/config.ts';
import type { IntrusionReport } from './gossip/intruders.ts';
import type {
  JoinResult,
  Member,
  MembershipChange,
  QueryRequest,
  QueryResult,
  UserEvent,
} from './gossip/membership.ts';
import type { Rival } from './gossip/name-claim.ts';
import type { KeyOperation } from './gossip/serf/internal-queries.ts';
import type { KeyReport } from './gossip/serf/keys.ts';
import { ListenError } from './transport.ts';

/** Everything that the gossip thread needs to begin. */
export interface GossipSettings {
  readonly name: string;
  /** Where to listen; port 0 lets the system choose. */
  readonly bind: Endpoint;
  /** What the others are told; port 0 means the one that is listened on. */
  readonly advertise: Endpoint;
  /** Must fit into 512 bytes; `id` is the uuid of the data folder. */
  readonly tags: Readonly<Record<string, string>>;
  readonly profile: GossipProfileName;
  /** Changes to the profile. */
  readonly config: Partial<GossipConfig>;
  /** Base64, the one that seals first; none: nothing is encrypted. */
  readonly keys: readonly string[];
  /** Keeps clusters apart that meet on one address; '' for none. */
  readonly label: string;
  /** Port of addresses that name none. */
  readonly defaultPort: number;
  /** Members of the last life are kept here and tried at the start; null for none. */
  readonly snapshotPath: string | null;
  /** The keyring as it is now, mode 0600; once it exists it counts instead of `keys`. Null for none. */
  readonly keyringPath: string | null;
}

/** Calls into the gossip thread. */
export interface GossipCalls {
  join: { params: { addresses: readonly string[] }; result: JoinResult };
  leave: { params: { forGood: boolean }; result: null };
  forceLeave: { params: { name: string; prune: boolean }; result: boolean };
  setTags: { params: { tags: Readonly<Record<string, string>> }; result: null };
  fireEvent: { params: { name: string; payload: Uint8Array; coalesce: boolean }; result: null };
  query: { params: QueryRequest; result: QueryResult };
  keys: { params: { operation: KeyOperation; key: string }; result: KeyReport };
  stats: { params: Record<string, never>; result: Readonly<Record<string, number>> };
  stop: { params: Record<string, never>; result: null };
}

export type CallName = keyof GossipCalls;

export type ToThread =
  | {
      readonly [M in CallName]: {
        readonly id: number;
        readonly call: M;
        readonly params: GossipCalls[M]['params'];
      };
    }[CallName]
  /** The answer to a query that was handed out; null: none. */
  | { readonly answer: number; readonly payload: Uint8Array | null };

/** What gossip has noticed, for people: none of it is a change of membership. */
export type GossipNotice =
  | { readonly kind: 'name-taken'; readonly rival: Rival }
  | { readonly kind: 'name-conflict'; readonly rival: Rival }
  | { readonly kind: 'intrusion'; readonly report: IntrusionReport }
  /** Another member sees our packets come from this address, which is not what we announce. */
  | { readonly kind: 'seen-elsewhere'; readonly by: string; readonly address: string }
  /** The gossip thread itself stood still. */
  | { readonly kind: 'stall'; readonly stallMs: number }
  /** The rest of the agent stood still for so long, while gossip went on. */
  | { readonly kind: 'main-stall'; readonly stallMs: number }
  /** The snapshot or the keyring could not be written. */
  | { readonly kind: 'disk'; readonly message: string };

/** The gossip keys of this agent as they are now, the one that seals first; empty without encryption. */
export type GossipRing = readonly Uint8Array[];

export type FromThread =
  | { readonly ready: { readonly local: Endpoint; readonly self: Member; readonly ring: GossipRing } }
  | { readonly failed: WireError }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError }
  | { readonly change: MembershipChange }
  | { readonly member: Member }
  | { readonly userEvent: UserEvent }
  /** The keyring has changed. */
  | { readonly ring: GossipRing }
  | { readonly query: number; readonly name: string; readonly payload: Uint8Array; readonly from: string }
  | { readonly notice: GossipNotice };

/** One side's end of the link. */
export interface Link<Out, In> {
  post(message: Out): void;
  onMessage(listener: (message: In) => void): void;
}

/** An expected error on its way between the threads. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** A bug is no expected error: it is thrown on, and ends the program. */
export function toWire(error: unknown): WireError {
  if (error instanceof ExpectedError || error instanceof ListenError) {
    return { code: error.code, message: error.message };
  }
  throw error;
}

export function fromWire({ code, message }: WireError): Error {
  if (errorCodes.includes(code as ErrorCode)) return new ExpectedError(code as ErrorCode, message);
  return Object.assign(new Error(message), { name: 'ListenError', code });
}
