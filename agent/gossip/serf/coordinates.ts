/**
 * Where we are in a space whose distances are delays (Vivaldi, Dabek et al. 2004, with Consul's height and adjustment).
 * Every direct ack says how far away its sender believes to be and how long the way took; the difference moves us a bit.
 * Stock members estimate round-trip times to us from what our acks carry. Seconds inside, milliseconds outside.
 */
import {
  type Coordinate,
  coordinateDimensions,
  decodePingPayload,
  encodePingPayload,
} from '../../../proto/gossip/coordinate.ts';
import type { Random } from '../../../proto/ports.ts';
import { grown, roomyLength } from '../tables.ts';

const errorMax = 1.5;
/** How far one sample may move us. */
const errorShare = 0.25;
const moveShare = 0.25;
const heightMin = 1e-5;
const adjustmentSamplesMax = 20;
/** Pull towards the origin, so that the whole space does not drift away: distance at which it is one second. */
const gravityDistance = 150;
const tiny = 1e-6;
const rttMaxSeconds = 10;
/** One slow answer is an accident; the median of three is not. */
const samplesPerMember = 3;

const origin: Coordinate = {
  vec: new Array<number>(coordinateDimensions).fill(0),
  height: heightMin,
  adjustment: 0,
  error: errorMax,
};

export class Coordinates {
  readonly #random: Random;
  #own: Coordinate = origin;
  #payload: Uint8Array | null = null;
  /** The last round-trip times to each member, in seconds, newest at `#filled % 3`. */
  #samples = new Float32Array(0);
  #filled = new Uint8Array(0);
  readonly #adjustments = new Float64Array(adjustmentSamplesMax);
  #adjustmentIndex = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get own(): Coordinate {
    return this.#own;
  }

  /** What our acks carry. */
  payload(): Uint8Array {
    this.#payload ??= encodePingPayload(this.#own);
    return this.#payload;
  }

  /** A member has answered a direct ping. Payloads without a usable coordinate teach nothing. */
  learn(number: number, rttMs: number, payload: Uint8Array | null): void {
    const other = decodePingPayload(payload);
    const rtt = rttMs / 1_000;
    if (other === undefined || !(rtt >= 0 && rtt <= rttMaxSeconds)) return;
    this.#move(other, this.#median(number, rtt));
    this.#payload = null;
  }

  /** A member is forgotten: its number may be somebody else's next time. */
  forget(number: number): void {
    if (number < this.#filled.length) this.#filled[number] = 0;
  }

  #move(other: Coordinate, measured: number): void {
    const rtt = Math.max(measured, tiny);
    const distance = estimate(this.#own, other);
    const wrong = Math.abs(distance - rtt) / rtt;
    const weight = this.#own.error / Math.max(this.#own.error + other.error, tiny);
    const error = Math.min(
      errorMax,
      errorShare * weight * wrong + this.#own.error * (1 - errorShare * weight),
    );
    let next = this.#push({ ...this.#own, error }, moveShare * weight * (rtt - distance), other);
    next = { ...next, adjustment: this.#adjust(rtt - raw(next, other)) };
    next = this.#push(next, -((estimate(origin, next) / gravityDistance) ** 2), origin);
    this.#own = isSane(next) ? next : origin;
  }

  #adjust(sample: number): number {
    this.#adjustments[this.#adjustmentIndex] = sample;
    this.#adjustmentIndex = (this.#adjustmentIndex + 1) % adjustmentSamplesMax;
    return this.#adjustments.reduce((sum, each) => sum + each, 0) / (2 * adjustmentSamplesMax);
  }

  /** Moves a point by a force, away from the other one, or towards it when the force is negative. */
  #push(point: Coordinate, force: number, other: Coordinate): Coordinate {
    const difference = point.vec.map((value, index) => value - other.vec[index]!);
    const length = Math.hypot(...difference);
    if (length <= tiny) {
      // On the same spot any direction is as good as another.
      const random = point.vec.map(() => this.#random.unit() - 0.5);
      const scale = force / Math.max(Math.hypot(...random), tiny);
      return { ...point, vec: point.vec.map((value, index) => value + random[index]! * scale) };
    }
    return {
      ...point,
      vec: point.vec.map((value, index) => value + (difference[index]! / length) * force),
      height: Math.max(heightMin, point.height + ((point.height + other.height) * force) / length),
    };
  }

  #median(number: number, rtt: number): number {
    if (number >= this.#filled.length) this.#grow(number);
    const filled = this.#filled[number]!;
    const start = number * samplesPerMember;
    this.#samples[start + (filled % samplesPerMember)] = rtt;
    // Counts on in a circle once all places are taken.
    this.#filled[number] = filled + 1 < 2 * samplesPerMember ? filled + 1 : samplesPerMember;
    const known = Math.min(filled + 1, samplesPerMember);
    const sorted = [...this.#samples.subarray(start, start + known)].sort((a, b) => a - b);
    return sorted[Math.floor(known / 2)]!;
  }

  #grow(number: number): void {
    const length = roomyLength(number);
    this.#samples = grown(this.#samples, new Float32Array(length * samplesPerMember));
    this.#filled = grown(this.#filled, new Uint8Array(length));
  }
}

function raw(a: Coordinate, b: Coordinate): number {
  const difference = a.vec.map((value, index) => value - b.vec[index]!);
  return Math.hypot(...difference) + a.height + b.height;
}

/** Estimated round-trip time between two coordinates, in seconds. */
export function estimate(a: Coordinate, b: Coordinate): number {
  const distance = raw(a, b);
  const adjusted = distance + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : distance;
}

function isSane({ vec, height, adjustment, error }: Coordinate): boolean {
  return [...vec, height, adjustment, error].every(Number.isFinite);
}
