/**
 * What our own agents say only to each other, inside memberlist's user messages: nobody else is sent these, because a
 * tag tells who understands them. A mark that no Serf message begins with, a kind, a MessagePack struct.
 */
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal, type Decoded, Refusal } from './refusal.ts';
import { bool, bytes, type Kind, readOrZero, struct, text, u16, u32, u64 } from './struct.ts';

/** First byte of a user payload of this kind; Serf's message types end at 9. */
export const kinMark = 0xe7;

/** "I tried that member for you, and its host told me that nobody is there." Answers an indirect ping. */
export interface KinRefused {
  readonly type: 'kin.refused';
  readonly seqNo: number;
  /** The witness. */
  readonly from: string;
}

/** "Your packets come to me from another address than the one you announce." */
export interface KinSeen {
  readonly type: 'kin.seen';
  /** Who says so. */
  readonly from: string;
  /** Where the packets came from. */
  readonly addr: Uint8Array;
  readonly port: number;
}

/** Lamport times that the sender will use next. */
export interface KinClocks {
  readonly ltime: number;
  readonly eventLtime: number;
  readonly queryLtime: number;
}

/** "My table has this digest; is yours the same?" TCP only. */
export interface KinDigest extends KinClocks {
  readonly type: 'kin.digest';
  readonly digest: Uint8Array;
}

/** "It is", or else the digest of each bucket of mine. */
export interface KinBuckets extends KinClocks {
  readonly type: 'kin.buckets';
  readonly same: boolean;
  readonly buckets: Uint8Array;
}

/** The members of some buckets, asked for and answered with the same message. */
export interface KinPart {
  readonly type: 'kin.part';
  /** One bit for each bucket. */
  readonly buckets: Uint8Array;
  /** Whether recent user events are part of it. */
  readonly events: boolean;
  /** A push/pull message that holds these members only. */
  readonly table: Uint8Array;
}

export type KinMessage = KinRefused | KinSeen | KinDigest | KinBuckets | KinPart;

const refused = struct<KinRefused>(
  [
    { key: 'From', name: 'from', kind: text },
    { key: 'SeqNo', name: 'seqNo', kind: u32 },
  ],
  { type: 'kin.refused' },
);

const seen = struct<KinSeen>(
  [
    { key: 'Addr', name: 'addr', kind: bytes },
    { key: 'From', name: 'from', kind: text },
    { key: 'Port', name: 'port', kind: u16 },
  ],
  { type: 'kin.seen' },
);

const eventLtime = { key: 'EventLTime', name: 'eventLtime', kind: u64 } as const;
const ltime = { key: 'LTime', name: 'ltime', kind: u64 } as const;
const queryLtime = { key: 'QueryLTime', name: 'queryLtime', kind: u64 } as const;

const digest = struct<KinDigest>(
  [{ key: 'Digest', name: 'digest', kind: bytes }, eventLtime, ltime, queryLtime],
  { type: 'kin.digest' },
);

const buckets = struct<KinBuckets>(
  [
    { key: 'Buckets', name: 'buckets', kind: bytes },
    eventLtime,
    ltime,
    queryLtime,
    { key: 'Same', name: 'same', kind: bool },
  ],
  { type: 'kin.buckets' },
);

const part = struct<KinPart>(
  [
    { key: 'Buckets', name: 'buckets', kind: bytes },
    { key: 'Events', name: 'events', kind: bool },
    { key: 'Table', name: 'table', kind: bytes },
  ],
  { type: 'kin.part' },
);

const kinds: {
  readonly [M in KinMessage as M['type']]: { readonly code: number; readonly body: Kind<M> };
} = {
  'kin.refused': { code: 1, body: refused },
  'kin.digest': { code: 2, body: digest },
  'kin.buckets': { code: 3, body: buckets },
  'kin.part': { code: 4, body: part },
  'kin.seen': { code: 5, body: seen },
};

const bodyByCode = new Map<number, Kind<KinMessage>>(
  Object.values(kinds).map(({ code, body }) => [code, body as Kind<KinMessage>]),
);

export function encodeKin(message: KinMessage): Uint8Array {
  const { code, body } = kinds[message.type];
  const writer = new MsgpackWriter();
  writer.byte(kinMark);
  writer.byte(code);
  (body as Kind<KinMessage>).write(writer, message);
  return writer.bytes;
}

/** Reads what `encodeKin` writes; kinds that a later version may add are refused as `unknown-type`. */
export function decodeKin(payload: Uint8Array): Decoded<KinMessage> {
  return catchRefusal(() => {
    if (payload[0] !== kinMark) throw new Refusal('unknown-type');
    const body = bodyByCode.get(payload[1] ?? 0);
    if (body === undefined) throw new Refusal('unknown-type');
    return readOrZero(new MsgpackReader(payload, 2), body);
  });
}
