/**
 * Consul's events: a Serf user event whose name begins with `consul:event:` and whose payload says the rest, for whom it
 * is meant among others (gossip-wire 19.4). Anything else under `consul:` is Consul's own business.
 */
import { decode, encode } from '../codec.ts';
import { isRecord } from '../plain.ts';

export const consulPrefix = 'consul:';
export const consulEventPrefix = `${consulPrefix}event:`;

export interface ConsulEvent {
  /** A uuid. */
  readonly id: string;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Regular expressions, '' for none: name of the node, of a service there, and a tag of that service. */
  readonly nodeFilter: string;
  readonly serviceFilter: string;
  readonly tagFilter: string;
  readonly version: number;
}

/** Larger than any event that an honest agent sends. */
const bytesMax = 9_216;

/** The payload of the user event; what is empty is left out, as Consul does. */
export function encodeConsulEvent(event: ConsulEvent): Uint8Array {
  const { id, name, nodeFilter, payload, serviceFilter, tagFilter, version } = event;
  const fields: ReadonlyArray<readonly [key: string, value: unknown, isEmpty: boolean]> = [
    ['ID', id, false],
    ['n', name, false],
    ['nf', nodeFilter, nodeFilter === ''],
    ['p', payload, payload.length === 0],
    ['sf', serviceFilter, serviceFilter === ''],
    ['tf', tagFilter, tagFilter === ''],
    ['v', version, false],
  ];
  // A map takes two bytes less than an object, and every byte of an event counts.
  return encode(new Map(fields.filter(([, , isEmpty]) => !isEmpty).map(([key, value]) => [key, value])));
}

/** Undefined when the bytes are no such event. Keys that it does not know are passed over. */
export function decodeConsulEvent(payload: Uint8Array): ConsulEvent | undefined {
  const body = decoded(payload);
  if (!isRecord(body)) return undefined;
  const { ID: id, n: name, nf: nodeFilter = '', p = null, sf: serviceFilter = '', tf: tagFilter = '' } = body;
  const { v: version = 1 } = body;
  const bytes = p === null ? new Uint8Array(0) : bytesOf(p);
  if (typeof id !== 'string' || typeof name !== 'string' || bytes === undefined) return undefined;
  if (typeof nodeFilter !== 'string' || typeof serviceFilter !== 'string') return undefined;
  if (typeof tagFilter !== 'string' || typeof version !== 'number' || !Number.isFinite(version))
    return undefined;
  return { id, name, payload: bytes, nodeFilter, serviceFilter, tagFilter, version };
}

/** Agents whose msgpack knows no bytes send them as text. What is kept is a copy and no view into a packet. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return new Uint8Array(Buffer.from(value, 'utf8'));
  return value instanceof Uint8Array ? new Uint8Array(value) : undefined;
}

function decoded(payload: Uint8Array): unknown {
  try {
    return decode(payload, { bytesMax });
  } catch {
    return undefined;
  }
}
