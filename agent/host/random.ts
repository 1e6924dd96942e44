/** Randomness of the operating system. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../proto/ports.ts';

/** As many bits as a float holds. */
const unitBits = 53;

export function hostRandom(): Random {
  return { unit, bytes: (length) => randomBytes(length) };
}

function unit(): number {
  const high = randomBytes(8).readBigUInt64BE() >> BigInt(64 - unitBits);
  return Number(high) / 2 ** unitBits;
}
