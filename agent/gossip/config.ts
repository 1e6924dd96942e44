/**
 * Every number that gossip runs with, in one place. The three profiles are memberlist's: `lan` within a site,
 * `wan` between sites, `local` for many agents on one machine.
 */
export interface GossipConfig {
  /** A member is asked "are you there?" this often, by each of us. */
  readonly probeIntervalMs: number;
  /** Wait for a direct answer before others are asked to try. */
  readonly probeTimeoutMs: number;
  /**
   * After this long without an answer we ask the host whether the process is gone (`refusal.ts`). 0: TCP is not tried
   * before `probeTimeoutMs`, and there are no quick verdicts.
   */
  readonly refusalCheckMs: number;
  /** A process is given this long to come back, from when its host first said that it is gone. */
  readonly refusalGraceMs: number;
  /** How many others are asked. */
  readonly indirectChecks: number;
  /** Scales how often news is repeated. */
  readonly retransmitMultiplier: number;
  /** Scales the shortest time from suspicion to verdict. */
  readonly suspicionMultiplier: number;
  /** The longest such time, as a multiple of the shortest. */
  readonly suspicionMaxTimeoutMultiplier: number;
  /** Local health lies in 0 … this − 1. */
  readonly awarenessMaxMultiplier: number;
  readonly gossipIntervalMs: number;
  /** How many members hear from us at each tick. */
  readonly gossipNodes: number;
  /** Members that died less than this ago still hear from us, so that one that lives can object. */
  readonly gossipToTheDeadMs: number;
  /** Full exchange with one other member; becomes rarer in large clusters. 0 switches it off. */
  readonly pushPullIntervalMs: number;
  /** For connecting and for each side's talk on a stream. */
  readonly streamTimeoutMs: number;
  /** Budget of a UDP packet before checksum, in bytes. */
  readonly packetBytesMax: number;
  /** Members that we are ready to remember; beyond, new names are refused and counted. */
  readonly membersMax: number;
  /**
   * An own stop of this length or more does not count as time in which others were silent. Infinity: lateness means
   * nothing, which is only good for comparisons.
   */
  readonly stallMs: number;
  /** A suspect that is probed hears of the suspicion with the ping (Lifeguard's buddy system). */
  readonly tellSuspects: boolean;
  /** A suspect is looked for once more before the verdict. */
  readonly lastLook: boolean;

  /** Wait until a goodbye has been told, and for Serf's broadcasts in general. */
  readonly broadcastTimeoutMs: number;
  /** After a goodbye we still answer for this long. */
  readonly leavePropagateMs: number;
  readonly reapIntervalMs: number;
  readonly reconnectIntervalMs: number;
  /** A member that failed this long ago is forgotten. */
  readonly reconnectTimeoutMs: number;
  /** A member that left this long ago is forgotten. */
  readonly tombstoneTimeoutMs: number;
  /** Intents about members that nobody knows yet are kept this long. */
  readonly recentIntentTimeoutMs: number;
  readonly queryTimeoutMultiplier: number;
  /** Encoded size of a user event and of its name and payload, in bytes. */
  readonly userEventBytesMax: number;
  readonly queryBytesMax: number;
  readonly queryResponseBytesMax: number;
  /** Slots of the buffers that recognise an event or query heard before. */
  readonly recentMessagesMax: number;
  /** Entries of each Serf queue; the most repeated are dropped first. */
  readonly queueMax: number;
  /** Name of the tag by which our own agents know each other; its value is their feature level. */
  readonly kinTag: string;
}

const lan: GossipConfig = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  refusalCheckMs: 100,
  refusalGraceMs: 1_050,
  indirectChecks: 3,
  retransmitMultiplier: 4,
  suspicionMultiplier: 4,
  suspicionMaxTimeoutMultiplier: 6,
  awarenessMaxMultiplier: 8,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  streamTimeoutMs: 10_000,
  packetBytesMax: 1_400,
  membersMax: 65_536,
  stallMs: 50,
  tellSuspects: true,
  lastLook: true,

  broadcastTimeoutMs: 5_000,
  leavePropagateMs: 1_000,
  reapIntervalMs: 15_000,
  reconnectIntervalMs: 30_000,
  reconnectTimeoutMs: 72 * 3_600_000,
  tombstoneTimeoutMs: 24 * 3_600_000,
  recentIntentTimeoutMs: 300_000,
  queryTimeoutMultiplier: 16,
  userEventBytesMax: 512,
  queryBytesMax: 1_024,
  queryResponseBytesMax: 1_024,
  recentMessagesMax: 512,
  queueMax: 4_096,
  kinTag: 'rc_gossip',
};

const wan: GossipConfig = {
  ...lan,
  streamTimeoutMs: 30_000,
  suspicionMultiplier: 6,
  pushPullIntervalMs: 60_000,
  probeTimeoutMs: 3_000,
  refusalCheckMs: 600,
  probeIntervalMs: 5_000,
  gossipNodes: 4,
  gossipIntervalMs: 500,
  gossipToTheDeadMs: 60_000,
};

const local: GossipConfig = {
  ...lan,
  streamTimeoutMs: 1_000,
  indirectChecks: 1,
  retransmitMultiplier: 2,
  suspicionMultiplier: 3,
  pushPullIntervalMs: 15_000,
  probeTimeoutMs: 200,
  refusalCheckMs: 50,
  probeIntervalMs: 1_000,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
};

export const gossipProfiles = { lan, wan, local } as const;
export type GossipProfileName = keyof typeof gossipProfiles;
