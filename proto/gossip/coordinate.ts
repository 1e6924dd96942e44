/** Where a member believes it is in the network's space of delays: the payload of its acks (gossip-wire 17). */
import { assert } from '../assert.ts';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal } from './refusal.ts';
import { float, list, readOrZero, struct } from './struct.ts';

export const coordinateDimensions = 8;

const formatVersion = 1;

/** Vivaldi with height, in seconds; `error` has no unit. */
export interface Coordinate {
  readonly vec: readonly number[];
  readonly height: number;
  readonly adjustment: number;
  readonly error: number;
}

const coordinate = struct<Coordinate>([
  { key: 'Adjustment', name: 'adjustment', kind: float },
  { key: 'Error', name: 'error', kind: float },
  { key: 'Height', name: 'height', kind: float },
  { key: 'Vec', name: 'vec', kind: list(float) },
]);

export function encodePingPayload(value: Coordinate): Uint8Array {
  assert(isUsable(value), 'a coordinate of another dimension, or one that is no number');
  const writer = new MsgpackWriter();
  writer.byte(formatVersion);
  coordinate.write(writer, value);
  return writer.bytes;
}

/** Undefined when there is no coordinate to learn from; the ack counts all the same. */
export function decodePingPayload(payload: Uint8Array | null): Coordinate | undefined {
  if (payload?.[0] !== formatVersion) return undefined;
  const decoded = catchRefusal(() => readOrZero(new MsgpackReader(payload, 1), coordinate));
  return decoded.message !== undefined && isUsable(decoded.message) ? decoded.message : undefined;
}

function isUsable({ vec, height, adjustment, error }: Coordinate): boolean {
  return vec.length === coordinateDimensions && [...vec, height, adjustment, error].every(Number.isFinite);
}
