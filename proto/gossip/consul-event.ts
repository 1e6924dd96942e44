/**
 * Consul's events: a Serf user event whose name begins with `consul:event:` and whose payload says the rest, for whom it
 * is meant among others (gossip-wire 19.4). Anything else under `consul:` is Consul's own business.
 */
import { z } from 'zod';
import { decode, encode } from '../codec.ts';

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

/** Agents whose msgpack knows no bytes send them as text. What is kept is a copy and no view into a packet. */
const bytes = z.union([
  z.instanceof(Uint8Array).transform((view) => new Uint8Array(view)),
  z.string().transform((text) => new Uint8Array(Buffer.from(text, 'utf8'))),
]);

const body = z.object({
  ID: z.string(),
  n: z.string(),
  nf: z.string().default(''),
  p: bytes.nullish().transform((payload) => payload ?? new Uint8Array(0)),
  sf: z.string().default(''),
  tf: z.string().default(''),
  v: z.number().default(1),
});

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

/** Undefined when the bytes are no such event. */
export function decodeConsulEvent(payload: Uint8Array): ConsulEvent | undefined {
  const parsed = body.safeParse(decoded(payload));
  if (!parsed.success) return undefined;
  const { ID: id, n: name, nf: nodeFilter, p, sf: serviceFilter, tf: tagFilter, v: version } = parsed.data;
  return { id, name, payload: p, nodeFilter, serviceFilter, tagFilter, version };
}

function decoded(payload: Uint8Array): unknown {
  try {
    return decode(payload, { bytesMax });
  } catch {
    return undefined;
  }
}
