/**
 * Serf's messages as bytes (gossip-wire 15): what a memberlist user message carries, the user state of a
 * push/pull, and what travels inside the payload of an internal query or of its answers.
 */
import { assert } from '../assert.ts';
import type {
  ConflictMember,
  RecentEvents,
  SerfConflictResponse,
  SerfJoin,
  SerfKeyRequest,
  SerfKeyResponse,
  SerfLeave,
  SerfMemberStatus,
  SerfMessage,
  SerfPushPull,
  SerfQuery,
  SerfQueryResponse,
  SerfRelay,
  SerfUserEvent,
} from './messages.ts';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal, type Decoded, Refusal } from './refusal.ts';
import {
  bool,
  bytes,
  i64,
  integer,
  type Kind,
  list,
  mapOf,
  nullable,
  readOrZero,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
} from './struct.ts';

/** First byte of every Serf message. */
export const serfType = {
  'serf.leave': 0,
  'serf.join': 1,
  'serf.pushPull': 2,
  'serf.userEvent': 3,
  'serf.query': 4,
  'serf.queryResponse': 5,
  'serf.conflictResponse': 6,
  'serf.keyRequest': 7,
  'serf.keyResponse': 8,
  'serf.relay': 9,
} as const;

/** Internal queries whose payload must hold a key; a stock agent dies of one that does not. */
const keyQueries = new Set(['_serf_install-key', '_serf_use-key', '_serf_remove-key']);

const leave = struct<SerfLeave>(
  [
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'Node', name: 'node', kind: text },
    { key: 'Prune', name: 'prune', kind: bool },
  ],
  { type: 'serf.leave' },
);

const join = struct<SerfJoin>(
  [
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'Node', name: 'node', kind: text },
  ],
  { type: 'serf.join' },
);

const recentEvents = struct<RecentEvents>([
  {
    key: 'Events',
    name: 'events',
    kind: list(
      struct<RecentEvents['events'][number]>([
        { key: 'Name', name: 'name', kind: text },
        { key: 'Payload', name: 'payload', kind: nullable(bytes) },
      ]),
    ),
  },
  { key: 'LTime', name: 'ltime', kind: u64 },
]);

const pushPull = struct<SerfPushPull>(
  [
    { key: 'EventLTime', name: 'eventLtime', kind: u64 },
    { key: 'Events', name: 'events', kind: list(nullable(recentEvents)) },
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'LeftMembers', name: 'leftMembers', kind: list(text) },
    { key: 'QueryLTime', name: 'queryLtime', kind: u64 },
    { key: 'StatusLTimes', name: 'statusLtimes', kind: mapOf(u64) },
  ],
  { type: 'serf.pushPull' },
);

const userEvent = struct<SerfUserEvent>(
  [
    { key: 'CC', name: 'cc', kind: bool },
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'Name', name: 'name', kind: text },
    { key: 'Payload', name: 'payload', kind: nullable(bytes) },
  ],
  { type: 'serf.userEvent' },
);

const query = struct<SerfQuery>(
  [
    { key: 'Addr', name: 'addr', kind: bytes },
    { key: 'Filters', name: 'filters', kind: list(bytes, { nilWhenEmpty: true }) },
    { key: 'Flags', name: 'flags', kind: u32 },
    { key: 'ID', name: 'id', kind: u32 },
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'Name', name: 'name', kind: text },
    { key: 'Payload', name: 'payload', kind: nullable(bytes) },
    { key: 'Port', name: 'port', kind: u16 },
    { key: 'RelayFactor', name: 'relayFactor', kind: u8 },
    { key: 'SourceNode', name: 'sourceNode', kind: text },
    { key: 'Timeout', name: 'timeoutNs', kind: i64 },
  ],
  { type: 'serf.query' },
);

const queryResponse = struct<SerfQueryResponse>(
  [
    { key: 'Flags', name: 'flags', kind: u32 },
    { key: 'From', name: 'from', kind: text },
    { key: 'ID', name: 'id', kind: u32 },
    { key: 'LTime', name: 'ltime', kind: u64 },
    { key: 'Payload', name: 'payload', kind: nullable(bytes) },
  ],
  { type: 'serf.queryResponse' },
);

const conflictMember = nullable(
  struct<ConflictMember>([
    { key: 'Addr', name: 'addr', kind: bytes },
    { key: 'DelegateCur', name: 'delegateCur', kind: u8 },
    { key: 'DelegateMax', name: 'delegateMax', kind: u8 },
    { key: 'DelegateMin', name: 'delegateMin', kind: u8 },
    { key: 'Name', name: 'name', kind: text },
    { key: 'Port', name: 'port', kind: u16 },
    { key: 'ProtocolCur', name: 'protocolCur', kind: u8 },
    { key: 'ProtocolMax', name: 'protocolMax', kind: u8 },
    { key: 'ProtocolMin', name: 'protocolMin', kind: u8 },
    { key: 'Status', name: 'status', kind: integer(0, 4) as Kind<SerfMemberStatus> },
    { key: 'Tags', name: 'tags', kind: mapOf(text) },
  ]),
);

/** The one body that is a bare value: a member, or nil for "never heard of it". */
const conflictResponse: Kind<SerfConflictResponse> = {
  zero: { type: 'serf.conflictResponse', member: null },
  write: (writer, message) => conflictMember.write(writer, message.member),
  read: (reader) => ({ type: 'serf.conflictResponse', member: conflictMember.read(reader) }),
};

const keyRequest = struct<SerfKeyRequest>([{ key: 'Key', name: 'key', kind: bytes }], {
  type: 'serf.keyRequest',
});

const keyResponse = struct<SerfKeyResponse>(
  [
    { key: 'Keys', name: 'keys', kind: nullable(list(text)) },
    { key: 'Message', name: 'message', kind: text },
    { key: 'PrimaryKey', name: 'primaryKey', kind: text },
    { key: 'Result', name: 'result', kind: bool },
  ],
  { type: 'serf.keyResponse' },
);

const relayHeader = struct<{
  readonly address: { readonly ip: Uint8Array; readonly port: number; readonly zone: string };
  readonly node: string;
}>([
  {
    key: 'DestAddr',
    name: 'address',
    kind: struct<{ readonly ip: Uint8Array; readonly port: number; readonly zone: string }>([
      { key: 'IP', name: 'ip', kind: bytes },
      { key: 'Port', name: 'port', kind: u16 },
      { key: 'Zone', name: 'zone', kind: text },
    ]),
  },
  { key: 'DestName', name: 'node', kind: text },
]);

type StructMessage = Exclude<SerfMessage, SerfRelay>;

const structs: { readonly [T in StructMessage as T['type']]: Kind<T> } = {
  'serf.leave': leave,
  'serf.join': join,
  'serf.pushPull': pushPull,
  'serf.userEvent': userEvent,
  'serf.query': query,
  'serf.queryResponse': queryResponse,
  'serf.conflictResponse': conflictResponse,
  'serf.keyRequest': keyRequest,
  'serf.keyResponse': keyResponse,
};

const structByType = new Map<number, Kind<StructMessage>>(
  Object.entries(structs).map(([type, kind]) => [
    serfType[type as StructMessage['type']],
    kind as Kind<StructMessage>,
  ]),
);

/** Type byte and body, without memberlist's `user` byte in front. */
export function encodeSerf(message: SerfMessage): Uint8Array {
  const writer = new MsgpackWriter();
  writer.byte(serfType[message.type]);
  if (message.type === 'serf.relay') {
    assert(message.inner.length > 0, 'a relay without a message');
    const { destAddr: ip, destPort: port, destZone: zone } = message;
    relayHeader.write(writer, { address: { ip, port, zone }, node: message.destName });
    writer.raw(message.inner);
    return writer.bytes;
  }
  if (message.type === 'serf.query') assert(!isDeadly(message), 'a query that stock agents die of');
  (structs[message.type] as Kind<StructMessage>).write(writer, message);
  return writer.bytes;
}

/** Reads what `encodeSerf` writes. Bytes after a body are ignored, except those that a relay carries. */
export function decodeSerf(encoded: Uint8Array): Decoded<SerfMessage> {
  return catchRefusal(() => readSerf(encoded));
}

function readSerf(encoded: Uint8Array): SerfMessage {
  const type = encoded[0];
  if (type === undefined) throw new Refusal('empty');
  const reader = new MsgpackReader(encoded, 1);
  if (type === serfType['serf.relay']) return readRelay(encoded, reader);
  const kind = structByType.get(type);
  if (kind === undefined) throw new Refusal('unknown-type');
  const message = readOrZero(reader, kind);
  // To pass it on unread would be to fire it at every stock agent in the cluster.
  if (message.type === 'serf.query' && isDeadly(message)) throw new Refusal('bad-query');
  return message;
}

function readRelay(encoded: Uint8Array, reader: MsgpackReader): SerfRelay {
  const { address, node } = readOrZero(reader, relayHeader);
  const inner = encoded.subarray(reader.position);
  if (inner.length === 0) throw new Refusal('empty');
  return {
    type: 'serf.relay',
    destAddr: address.ip,
    destPort: address.port,
    destZone: address.zone,
    destName: node,
    inner,
  };
}

/** Gossip-wire 22: an empty filter, or a key query without a key, ends every stock process that reads it. */
function isDeadly(message: SerfQuery): boolean {
  if (message.filters.some((filter) => filter.length === 0)) return true;
  return keyQueries.has(message.name) && (message.payload === null || message.payload.length === 0);
}
