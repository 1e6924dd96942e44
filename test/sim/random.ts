/** Randomness from a seed: the same seed gives the same run, on every machine. */
import { createHash } from 'node:crypto';
import type { Random } from '../../proto/ports.ts';

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, quick, and good far beyond what a simulation draws. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** Seeds that differ in one character give unrelated runs. */
  constructor(seed: string | number) {
    const digest = createHash('sha256').update(String(seed)).digest();
    this.#a = digest.readUInt32LE(0);
    this.#b = digest.readUInt32LE(4);
    this.#c = digest.readUInt32LE(8);
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.#next();
  }

  unit(): number {
    return this.#next() / 0x1_0000_0000;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#next() & 0xff;
    return bytes;
  }

  /** A generator of its own for one part, so that parts do not disturb each other's draws. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#next()}/${label}`);
  }

  /** An integer in [from, to). */
  int(from: number, to: number): number {
    return from + Math.floor(this.unit() * (to - from));
  }

  between(from: number, to: number): number {
    return from + this.unit() * (to - from);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const other = this.int(0, i + 1);
      [shuffled[i], shuffled[other]] = [shuffled[other]!, shuffled[i]!];
    }
    return shuffled;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0;
    this.#c = (this.#c + sum) >>> 0;
    return sum;
  }
}
