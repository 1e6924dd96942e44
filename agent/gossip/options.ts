/** What the core needs from its owner, and what it tells it. */
import type { SerfQuery } from '../../proto/gossip/messages.ts';
import type { Clock, Endpoint, Random, Send } from '../../proto/ports.ts';
import type { GossipConfig } from './config.ts';
import type { IntrusionReport } from './intruders.ts';
import type { Keyring } from './keyring.ts';
import type { Member, MembershipChange, UserEvent } from './membership.ts';
import type { Rival } from './name-claim.ts';
import type { MemberRecord, Records } from './records.ts';
import type { Knock } from './refusal.ts';
import type { Respond } from './serf/answers.ts';
import type { ClockTimes } from './serf/snapshot.ts';
import type { Streams } from './streams.ts';

export interface GossipOptions {
  readonly name: string;
  /** Where the others reach us: an IP address and a port that is not 0. */
  readonly advertise: Endpoint;
  readonly tags: Readonly<Record<string, string>>;
  readonly config: GossipConfig;
  /** Keeps clusters apart; '' for none. */
  readonly label: string;
  /** While a cluster moves to encryption: plain packets are taken although there are keys. */
  readonly acceptPlain?: boolean;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly send: Send;
  readonly streams: Streams;
  readonly knock: Knock;
  readonly onEvent: (event: GossipEvent) => void;
  /** Where the Lamport clocks stood in the last life: what is older has been heard already. */
  readonly restored?: ClockTimes;
  /** Shared by many cores in a simulation; otherwise each has its own. */
  readonly records?: Records;
  /** Believed alive from the start, without having been heard of: so that a simulation can begin with a large cluster. */
  readonly known?: readonly MemberRecord[];
}

export type GossipEvent =
  | { readonly kind: 'change'; readonly change: MembershipChange }
  /** A member is suspect now or not any more, or our own entry is new: nothing that people would be told. */
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'user-event'; readonly event: UserEvent }
  | { readonly kind: 'query'; readonly query: SerfQuery; readonly respond: Respond }
  | { readonly kind: 'keys-changed' }
  /** Our name belongs to another agent that lives; we have no right to go on. */
  | { readonly kind: 'name-taken'; readonly rival: Rival }
  /** Somebody else claims our name, and we stay. */
  | { readonly kind: 'name-conflict'; readonly rival: Rival }
  | { readonly kind: 'intrusion'; readonly report: IntrusionReport }
  /** Another member sees our packets come from this address, which is not what we announce. */
  | { readonly kind: 'seen-elsewhere'; readonly by: string; readonly address: string }
  /** This process stood still for so long. */
  | { readonly kind: 'stall'; readonly stallMs: number };
