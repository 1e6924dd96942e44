/** The golden packets, and their recorded meaning as our messages. */
import { readFileSync } from 'node:fs';
import type {
  ConflictMember,
  PacketMessage,
  PushNodeState,
  SerfMessage,
  StreamMessage,
} from '../../../proto/gossip/messages.ts';
import { encodeSerf } from '../../../proto/gossip/serf.ts';

// biome-ignore lint/suspicious/noExplicitAny: the recorded meaning is JSON of many shapes
type Json = any;

export interface Vector {
  readonly id: string;
  readonly transport: 'udp' | 'tcp';
  readonly direction?: 'client-to-server' | 'server-to-client';
  readonly key_hex?: string;
  readonly hex: string;
  readonly decoded: { readonly layers: readonly Json[]; readonly messages: readonly Json[] };
}

export interface Probe {
  readonly id: string;
  readonly transport: 'udp' | 'tcp';
  readonly agent_key_hex?: string;
  readonly hex: string;
  readonly stock_outcome: string;
}

export const vectors: readonly Vector[] = [
  'udp-plain',
  'udp-serf',
  'tcp-plain',
  'encrypted',
  'consul',
].flatMap((file) => load(file).vectors);

export const probes: readonly Probe[] = load('probes').probes;

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function bytesOf(id: string): Uint8Array {
  return fromHex([...vectors, ...probes].find((vector) => vector.id === id)!.hex);
}

function load(file: string): Json {
  const url = new URL(`../../fixtures/gossip/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** A recorded memberlist message, with the Serf message that it may carry. */
export interface Meaning {
  readonly message: PacketMessage | StreamMessage;
  readonly serf?: SerfMessage;
}

export function meaningOf(json: Json): Meaning {
  const fields = json.fields;
  switch (json.name) {
    case 'ping':
      return { message: { type: 'ping', seqNo: fields.SeqNo, node: fields.Node, ...sourceOf(fields) } };
    case 'indirectPing':
      return {
        message: {
          type: 'indirectPing',
          seqNo: fields.SeqNo,
          target: bytes(fields.Target),
          port: fields.Port,
          node: fields.Node,
          nack: fields.Nack,
          ...sourceOf(fields),
        },
      };
    case 'ackResp':
      return { message: { type: 'ackResp', seqNo: fields.SeqNo, payload: bytesOrNull(fields.Payload) } };
    case 'nackResp':
      return { message: { type: 'nackResp', seqNo: fields.SeqNo } };
    case 'suspect':
    case 'dead':
      return {
        message: {
          type: json.name,
          incarnation: fields.Incarnation,
          node: fields.Node,
          from: fields.From,
        },
      };
    case 'alive':
      return {
        message: {
          type: 'alive',
          incarnation: fields.Incarnation,
          node: fields.Node,
          addr: bytes(fields.Addr),
          port: fields.Port,
          meta: bytes(fields.Meta),
          vsn: bytes(fields.Vsn),
        },
      };
    case 'err':
      return { message: { type: 'err', error: fields.Error } };
    case 'user': {
      const serf = serfOf(json.serf);
      return { message: { type: 'user', payload: encodeSerf(serf) }, serf };
    }
    case 'pushPull': {
      const serf = serfOf(json.user_state);
      const nodes = json.nodes.map(nodeOf);
      return {
        message: { type: 'pushPull', join: json.header.Join, nodes, userState: encodeSerf(serf) },
        serf,
      };
    }
    default:
      throw new Error(`no such message: ${json.name}`);
  }
}

function nodeOf(fields: Json): PushNodeState {
  return {
    name: fields.Name,
    addr: bytes(fields.Addr),
    port: fields.Port,
    meta: bytes(fields.Meta),
    incarnation: fields.Incarnation,
    state: (['alive', 'suspect', 'dead', 'left'] as const)[fields.State as 0 | 1 | 2 | 3],
    vsn: bytes(fields.Vsn),
  };
}

function sourceOf(fields: Json) {
  return {
    sourceAddr: bytes(fields.SourceAddr),
    sourcePort: fields.SourcePort ?? 0,
    sourceNode: fields.SourceNode ?? '',
  };
}

export function serfOf(json: Json): SerfMessage {
  const fields = json.fields;
  switch (json.name) {
    case 'leave':
      return { type: 'serf.leave', ltime: fields.LTime, node: fields.Node, prune: fields.Prune };
    case 'join':
      return { type: 'serf.join', ltime: fields.LTime, node: fields.Node };
    case 'pushPull':
      return {
        type: 'serf.pushPull',
        ltime: fields.LTime,
        eventLtime: fields.EventLTime,
        queryLtime: fields.QueryLTime,
        statusLtimes: new Map(Object.entries(fields.StatusLTimes)),
        leftMembers: fields.LeftMembers,
        events: eventsOf(fields.Events),
      };
    case 'userEvent':
      return {
        type: 'serf.userEvent',
        ltime: fields.LTime,
        name: fields.Name,
        payload: bytesOrNull(fields.Payload),
        cc: fields.CC,
      };
    case 'query':
      return {
        type: 'serf.query',
        ltime: fields.LTime,
        id: fields.ID,
        addr: bytes(fields.Addr),
        port: fields.Port,
        sourceNode: fields.SourceNode,
        filters: (fields.Filters ?? []).map(bytes),
        flags: fields.Flags,
        relayFactor: fields.RelayFactor,
        timeoutNs: fields.Timeout,
        name: fields.Name,
        payload: bytesOrNull(fields.Payload),
      };
    case 'queryResponse':
      return {
        type: 'serf.queryResponse',
        ltime: fields.LTime,
        id: fields.ID,
        from: fields.From,
        flags: fields.Flags,
        payload: bytesOrNull(fields.Payload),
      };
    case 'conflictResponse':
      return { type: 'serf.conflictResponse', member: memberOf(fields) };
    case 'keyRequest':
      return { type: 'serf.keyRequest', key: bytes(fields.Key) };
    case 'keyResponse':
      return {
        type: 'serf.keyResponse',
        result: fields.Result,
        message: fields.Message,
        keys: fields.Keys,
        primaryKey: fields.PrimaryKey,
      };
    case 'relay': {
      const { DestAddr, DestName } = json.header;
      return {
        type: 'serf.relay',
        destAddr: bytes(DestAddr.IP),
        destPort: DestAddr.Port,
        destZone: DestAddr.Zone,
        destName: DestName,
        inner: encodeSerf(serfOf(json.inner)),
      };
    }
    default:
      throw new Error(`no such Serf message: ${json.name}`);
  }
}

function memberOf(fields: Json): ConflictMember {
  return {
    name: fields.Name,
    addr: bytes(fields.Addr),
    port: fields.Port,
    tags: new Map(Object.entries(fields.Tags)),
    status: fields.Status,
    protocolMin: fields.ProtocolMin,
    protocolMax: fields.ProtocolMax,
    protocolCur: fields.ProtocolCur,
    delegateMin: fields.DelegateMin,
    delegateMax: fields.DelegateMax,
    delegateCur: fields.DelegateCur,
  };
}

function eventsOf(ring: Json) {
  const slots = new Array(ring.length).fill(null);
  for (const entry of ring.entries) {
    const events = entry.Events.map((event: Json) => ({
      name: event.Name,
      payload: bytesOrNull(event.Payload),
    }));
    slots[entry.index] = { ltime: entry.LTime, events };
  }
  return slots;
}

export function bytes(field: Json): Uint8Array {
  return fromHex(field?.hex ?? '');
}

function bytesOrNull(field: Json): Uint8Array | null {
  return field === null ? null : bytes(field);
}
