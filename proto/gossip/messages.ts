/**
 * What members say to one another, as plain data: the messages of memberlist and, inside its user messages,
 * those of Serf. `packets.ts` and `serf.ts` turn them into bytes and back.
 *
 * Byte fields of a decoded message are views into the packet that brought it; whoever keeps one copies it.
 * Where memberlist tells "nothing" (nil) from "empty", the type says `| null`; elsewhere nil arrives as empty.
 * Text is UTF-8; a byte that is no UTF-8 survives as a lone surrogate (`text.ts`), so names that differ on
 * the wire differ here and are repeated unchanged.
 */

/** Lamport time and nanoseconds are 64 bits wide on the wire. Whoever sends more than a number holds exactly
 * is refused (`out-of-range`), since clocks that had followed it could not count on. */
export const wideIntegerMax = Number.MAX_SAFE_INTEGER;

/** Incarnations are 32 bits wide; a message beyond is refused, and a member that has reached this cannot refute. */
export const incarnationMax = 0xffff_ffff;

// --- memberlist -------------------------------------------------------------------------------------------

/** "Are you there?" The source fields say where the ack shall go; left out by peers before memberlist 0.2.0. */
export interface Ping {
  readonly type: 'ping';
  readonly seqNo: number;
  /** Name of the member that is meant; empty means whoever receives it. */
  readonly node: string;
  /** 4 or 16 bytes, or empty: answer to where the packet came from. */
  readonly sourceAddr: Uint8Array;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

/** "Please ask that member for me." */
export interface IndirectPing {
  readonly type: 'indirectPing';
  readonly seqNo: number;
  readonly target: Uint8Array;
  /** 0 means the receiver's own port. */
  readonly port: number;
  readonly node: string;
  /** Whether the asker wants to hear of silence as well. */
  readonly nack: boolean;
  readonly sourceAddr: Uint8Array;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

export interface AckResp {
  readonly type: 'ackResp';
  readonly seqNo: number;
  /** A coordinate (`coordinate.ts`), or null. */
  readonly payload: Uint8Array | null;
}

/** "I asked, and heard nothing in time." */
export interface NackResp {
  readonly type: 'nackResp';
  readonly seqNo: number;
}

export interface Suspect {
  readonly type: 'suspect';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export interface Alive {
  readonly type: 'alive';
  readonly incarnation: number;
  readonly node: string;
  /** As its owner announced it. Repeat the bytes unchanged: 4 and 16 bytes of one address count as a conflict. */
  readonly addr: Uint8Array;
  /** 0 means the receiver's own port. */
  readonly port: number;
  /** Encoded tags (`tags.ts`). */
  readonly meta: Uint8Array;
  /** `[PMin, PMax, PCur, DMin, DMax, DCur]`, or empty when the sender left it out; never another length. */
  readonly vsn: Uint8Array;
}

/** `from` equal to `node` is a member that says goodbye; anybody else is an accuser. */
export interface Dead {
  readonly type: 'dead';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

/** The answer of a server that could not read the stream. TCP only. */
export interface Err {
  readonly type: 'err';
  readonly error: string;
}

/** `unknown` stands for a number that memberlist may give a meaning one day; it is decoded but never sent. */
export type NodeStateName = 'alive' | 'suspect' | 'dead' | 'left' | 'unknown';

/** One member as the sender of a push/pull sees it. */
export interface PushNodeState {
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly state: NodeStateName;
  readonly vsn: Uint8Array;
}

/** Everything the sender knows. TCP only. */
export interface PushPull {
  readonly type: 'pushPull';
  readonly join: boolean;
  readonly nodes: readonly PushNodeState[];
  /** A Serf message (`serf.pushPull`), still encoded; may be empty. */
  readonly userState: Uint8Array;
}

/** A Serf message, still encoded, so that it can be passed on byte for byte. */
export interface User {
  readonly type: 'user';
  readonly payload: Uint8Array;
}

/** What a UDP packet may carry. */
export type PacketMessage = Ping | IndirectPing | AckResp | NackResp | Suspect | Alive | Dead | User;

/** What one direction of a TCP exchange may carry. */
export type StreamMessage = PushPull | Ping | AckResp | Err | User;

// --- Serf -------------------------------------------------------------------------------------------------

export interface SerfLeave {
  readonly type: 'serf.leave';
  readonly ltime: number;
  readonly node: string;
  /** Forget the member altogether. */
  readonly prune: boolean;
}

export interface SerfJoin {
  readonly type: 'serf.join';
  readonly ltime: number;
  readonly node: string;
}

/** User events that share one Lamport time. */
export interface RecentEvents {
  readonly ltime: number;
  readonly events: readonly { readonly name: string; readonly payload: Uint8Array | null }[];
}

export interface SerfPushPull {
  readonly type: 'serf.pushPull';
  readonly ltime: number;
  readonly eventLtime: number;
  readonly queryLtime: number;
  /** Member name → Lamport time of the last intent about it. */
  readonly statusLtimes: ReadonlyMap<string, number>;
  readonly leftMembers: readonly string[];
  /** Serf sends its whole ring buffer with null for an empty slot; empty slots may be left out. */
  readonly events: readonly (RecentEvents | null)[];
}

export interface SerfUserEvent {
  readonly type: 'serf.userEvent';
  readonly ltime: number;
  readonly name: string;
  readonly payload: Uint8Array | null;
  /** Coalesce: the receiver may deliver only the newest of this name. */
  readonly cc: boolean;
}

/** Bits of `SerfQuery.flags`. */
export const queryFlagAck = 1;
export const queryFlagNoBroadcast = 2;
/** Bit of `SerfQueryResponse.flags`: this is only an ack. */
export const responseFlagAck = 1;

export interface SerfQuery {
  readonly type: 'serf.query';
  readonly ltime: number;
  /** Random, 0 … 2^31 − 1 from stock agents; any u32 is taken. */
  readonly id: number;
  /** Where answers go. */
  readonly addr: Uint8Array;
  readonly port: number;
  /** Empty from agents before Serf 0.9.0. */
  readonly sourceNode: string;
  /** Still encoded; `decodeFilter` in `serf-filter.ts`. All must match. */
  readonly filters: readonly Uint8Array[];
  readonly flags: number;
  readonly relayFactor: number;
  readonly timeoutNs: number;
  readonly name: string;
  readonly payload: Uint8Array | null;
}

export interface SerfQueryResponse {
  readonly type: 'serf.queryResponse';
  readonly ltime: number;
  readonly id: number;
  readonly from: string;
  readonly flags: number;
  readonly payload: Uint8Array | null;
}

/** Status of a member in a conflict answer: 0 none, 1 alive, 2 leaving, 3 left, 4 failed. */
export type SerfMemberStatus = 0 | 1 | 2 | 3 | 4;

/** A member as one voter in a name conflict sees it. */
export interface ConflictMember {
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  readonly tags: ReadonlyMap<string, string>;
  readonly status: SerfMemberStatus;
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly protocolCur: number;
  readonly delegateMin: number;
  readonly delegateMax: number;
  readonly delegateCur: number;
}

/** Inside the payload of a query response. */
export interface SerfConflictResponse {
  readonly type: 'serf.conflictResponse';
  /** Null: the voter does not know the name. */
  readonly member: ConflictMember | null;
}

/** Inside the payload of a key query. */
export interface SerfKeyRequest {
  readonly type: 'serf.keyRequest';
  /** The raw key; empty for a list. */
  readonly key: Uint8Array;
}

/** Inside the payload of a query response. */
export interface SerfKeyResponse {
  readonly type: 'serf.keyResponse';
  readonly result: boolean;
  readonly message: string;
  /** Base64; null except in answers to a list. */
  readonly keys: readonly string[] | null;
  /** Base64; empty from agents before Serf 0.9.4. */
  readonly primaryKey: string;
}

/** "Pass this on for me": the receiver sends `inner` as a user message to the address. */
export interface SerfRelay {
  readonly type: 'serf.relay';
  readonly destAddr: Uint8Array;
  readonly destPort: number;
  /** IPv6 zone, normally empty. */
  readonly destZone: string;
  /** Empty from agents before Serf 0.9.0. */
  readonly destName: string;
  /** A Serf message, still encoded. */
  readonly inner: Uint8Array;
}

export type SerfMessage =
  | SerfLeave
  | SerfJoin
  | SerfPushPull
  | SerfUserEvent
  | SerfQuery
  | SerfQueryResponse
  | SerfConflictResponse
  | SerfKeyRequest
  | SerfKeyResponse
  | SerfRelay;
