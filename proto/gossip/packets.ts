/**
 * memberlist's messages as bytes: a type byte, then a MessagePack struct (gossip-wire 7). The wrappers around
 * them are the business of `envelope.ts` (UDP) and `stream.ts` (TCP).
 */
import { assert } from '../assert.ts';
import type {
  AckResp,
  Alive,
  Dead,
  Err,
  IndirectPing,
  NackResp,
  NodeStateName,
  PacketMessage,
  Ping,
  PushNodeState,
  PushPull,
  StreamMessage,
  Suspect,
} from './messages.ts';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal, type Decoded, Refusal } from './refusal.ts';
import {
  bool,
  bytes,
  i64,
  integer,
  type Kind,
  nullable,
  readOrZero,
  struct,
  text,
  u16,
  u32,
  u64,
} from './struct.ts';

/** First byte of every message and wrapper. */
export const messageType = {
  ping: 0,
  indirectPing: 1,
  ackResp: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nackResp: 11,
  hasCrc: 12,
  err: 13,
  hasLabel: 244,
} as const;

/** Stock agents before memberlist 0.2.4 die of a vector that is cut short, so it is neither sent nor taken. */
const vsn: Kind<Uint8Array> = {
  zero: bytes.zero,
  write(writer, value) {
    assert(value.length === 0 || value.length === 6, `a version vector of ${value.length} bytes`);
    bytes.write(writer, value);
  },
  read(reader) {
    const value = bytes.read(reader);
    if (value.length !== 0 && value.length !== 6) throw new Refusal('bad-vsn');
    return value;
  },
};

const stateNames: readonly NodeStateName[] = ['alive', 'suspect', 'dead', 'left'];

const nodeState: Kind<NodeStateName> = {
  zero: 'alive',
  write(writer, value) {
    assert(value !== 'unknown', 'a state that has no number');
    writer.int(stateNames.indexOf(value));
  },
  read: (reader) => stateNames[i64.read(reader)] ?? 'unknown',
};

const source = [
  { key: 'SourceAddr', name: 'sourceAddr', kind: bytes, omitEmpty: true },
  { key: 'SourceNode', name: 'sourceNode', kind: text, omitEmpty: true },
  { key: 'SourcePort', name: 'sourcePort', kind: u16, omitEmpty: true },
] as const;

const accusation = [
  { key: 'From', name: 'from', kind: text },
  { key: 'Incarnation', name: 'incarnation', kind: u32 },
  { key: 'Node', name: 'node', kind: text },
] as const;

const ping = struct<Ping>(
  [{ key: 'Node', name: 'node', kind: text }, { key: 'SeqNo', name: 'seqNo', kind: u32 }, ...source],
  { type: 'ping' },
);

const indirectPing = struct<IndirectPing>(
  [
    { key: 'Nack', name: 'nack', kind: bool },
    { key: 'Node', name: 'node', kind: text },
    { key: 'Port', name: 'port', kind: u16 },
    { key: 'SeqNo', name: 'seqNo', kind: u32 },
    ...source,
    { key: 'Target', name: 'target', kind: bytes },
  ],
  { type: 'indirectPing' },
);

const ackResp = struct<AckResp>(
  [
    { key: 'Payload', name: 'payload', kind: nullable(bytes) },
    { key: 'SeqNo', name: 'seqNo', kind: u32 },
  ],
  { type: 'ackResp' },
);

const nackResp = struct<NackResp>([{ key: 'SeqNo', name: 'seqNo', kind: u32 }], { type: 'nackResp' });

const suspect = struct<Suspect>(accusation, { type: 'suspect' });

const alive = struct<Alive>(
  [
    { key: 'Addr', name: 'addr', kind: bytes },
    { key: 'Incarnation', name: 'incarnation', kind: u32 },
    { key: 'Meta', name: 'meta', kind: bytes },
    { key: 'Node', name: 'node', kind: text },
    { key: 'Port', name: 'port', kind: u16 },
    { key: 'Vsn', name: 'vsn', kind: vsn },
  ],
  { type: 'alive' },
);

const dead = struct<Dead>(accusation, { type: 'dead' });

const err = struct<Err>([{ key: 'Error', name: 'error', kind: text }], { type: 'err' });

/** Goes in front of the members and the user state of a push/pull. */
export interface PushPullHeader {
  readonly join: boolean;
  readonly nodes: number;
  readonly userStateLength: number;
}

export const pushPullHeader = struct<PushPullHeader>([
  { key: 'Join', name: 'join', kind: bool },
  { key: 'Nodes', name: 'nodes', kind: u64 },
  { key: 'UserStateLen', name: 'userStateLength', kind: u64 },
]);

export const pushNodeState = struct<PushNodeState>([
  { key: 'Addr', name: 'addr', kind: bytes },
  { key: 'Incarnation', name: 'incarnation', kind: u32 },
  { key: 'Meta', name: 'meta', kind: bytes },
  { key: 'Name', name: 'name', kind: text },
  { key: 'Port', name: 'port', kind: u16 },
  { key: 'State', name: 'state', kind: nodeState },
  { key: 'Vsn', name: 'vsn', kind: vsn },
]);

/** Goes in front of a user message on TCP. */
export const userHeader = struct<{ readonly length: number }>([
  { key: 'UserMsgLen', name: 'length', kind: u64 },
]);

/** The body of a compressed message. */
export const compressBody = struct<{ readonly algorithm: number; readonly buffer: Uint8Array }>([
  { key: 'Algo', name: 'algorithm', kind: integer(0, 0xff) },
  { key: 'Buf', name: 'buffer', kind: bytes },
]);

/** The messages that are one struct and nothing else. */
const plain = { ping, indirectPing, ackResp, nackResp, suspect, alive, dead, err };

type PlainMessage = Ping | IndirectPing | AckResp | NackResp | Suspect | Alive | Dead | Err;

const plainByType = new Map<number, Kind<PlainMessage>>(
  Object.entries(plain).map(([name, kind]) => [
    messageType[name as keyof typeof plain],
    kind as Kind<PlainMessage>,
  ]),
);

/** One message of a UDP packet, without wrappers. */
export function encodeMessage(message: PacketMessage): Uint8Array {
  if (message.type !== 'user') return encodePlain(message);
  assert(message.payload.length > 0, 'a user message without content');
  const encoded = new Uint8Array(1 + message.payload.length);
  encoded[0] = messageType.user;
  encoded.set(message.payload, 1);
  return encoded;
}

/** One message of a TCP exchange, without wrappers. */
export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  switch (message.type) {
    case 'pushPull':
      return encodePushPull(message);
    case 'user': {
      const writer = new MsgpackWriter(message.payload.length + 32);
      writer.byte(messageType.user);
      userHeader.write(writer, { length: message.payload.length });
      writer.raw(message.payload);
      return writer.bytes;
    }
    default:
      return encodePlain(message);
  }
}

/** Reads what `encodeMessage` writes; bytes after the end of a struct are ignored, as stock agents do. */
export function decodeMessage(encoded: Uint8Array): Decoded<PacketMessage> {
  return catchRefusal(() => readMessage(encoded));
}

/** As `decodeMessage`, but throws the `Refusal`. */
export function readMessage(encoded: Uint8Array): PacketMessage {
  const type = encoded[0];
  if (type === undefined) throw new Refusal('empty');
  if (type === messageType.user) {
    if (encoded.length === 1) throw new Refusal('empty');
    return { type: 'user', payload: encoded.subarray(1) };
  }
  if (type === messageType.err) throw new Refusal('unknown-type');
  return readPlain(type, new MsgpackReader(encoded, 1)) as PacketMessage;
}

/** Reads the struct that belongs to a type byte; refuses types that are more than a struct. */
export function readPlain(type: number, reader: MsgpackReader): PlainMessage {
  const kind = plainByType.get(type);
  if (kind === undefined) throw new Refusal('unknown-type');
  return readOrZero(reader, kind);
}

function encodePlain(message: PlainMessage): Uint8Array {
  const writer = new MsgpackWriter();
  writer.byte(messageType[message.type]);
  (plain[message.type] as Kind<PlainMessage>).write(writer, message);
  return writer.bytes;
}

function encodePushPull(message: PushPull): Uint8Array {
  const writer = new MsgpackWriter(64 + message.nodes.length * 160 + message.userState.length);
  writer.byte(messageType.pushPull);
  pushPullHeader.write(writer, {
    join: message.join,
    nodes: message.nodes.length,
    userStateLength: message.userState.length,
  });
  for (const node of message.nodes) pushNodeState.write(writer, node);
  writer.raw(message.userState);
  return writer.bytes;
}
