/** One file of the simulated disk: what a process sees, what is on the platter, and the changes between the two. */
import type { Random } from '../../proto/ports.ts';
import type { CrashKind } from './disk.ts';

/** A write, or a change of the length when `bytes` is null. */
export interface Change {
  readonly position: number;
  readonly bytes: Uint8Array | null;
}

/** What a device writes as a whole or not at all. */
const sectorBytes = 512;

export class SimFile {
  readonly #seen = new Content();
  readonly #platter = new Content();
  #changes: Change[] = [];

  get length(): number {
    return this.#seen.length;
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.read(position, length);
  }

  /** Visible at once; returns the change, to be kept or forgotten. */
  write(position: number, bytes: Uint8Array): Change {
    const change = { position, bytes: new Uint8Array(bytes) };
    this.#seen.apply(change);
    this.#changes.push(change);
    return change;
  }

  truncate(length: number): void {
    const change = { position: length, bytes: null };
    this.#seen.apply(change);
    this.#changes.push(change);
  }

  /** Changes that are not durable yet. */
  changes(): Change[] {
    return [...this.#changes];
  }

  keep(change: Change): void {
    if (this.forget(change)) this.#platter.apply(change);
  }

  keepAll(changes: readonly Change[]): void {
    for (const change of changes) this.keep(change);
  }

  /** The change stays visible and will never be durable. */
  forget(change: Change): boolean {
    const at = this.#changes.indexOf(change);
    if (at >= 0) this.#changes.splice(at, 1);
    return at >= 0;
  }

  crash(kind: CrashKind, random: Random): void {
    const changes = this.#changes;
    this.#changes = [];
    if (kind === 'torn') tear(this.#platter, changes, random);
    if (kind === 'some') scatter(this.#platter, changes, random);
    this.#seen.become(this.#platter);
  }

  flipBit(position: number, bit: number): void {
    const byte = this.#platter.read(position, 1)[0] ?? 0;
    this.overwrite(position, Uint8Array.of(byte ^ (1 << bit)));
  }

  overwrite(position: number, bytes: Uint8Array): void {
    this.#platter.apply({ position, bytes });
    this.#seen.apply({ position, bytes });
  }
}

/** All changes but the end of the last write, cut at a sector. */
function tear(platter: Content, changes: readonly Change[], random: Random): void {
  const last = changes.at(-1);
  for (const change of changes) {
    if (change !== last || change.bytes === null) {
      platter.apply(change);
      continue;
    }
    const sectors = sectorsOf(change);
    for (const piece of sectors.slice(0, Math.floor(random.unit() * (sectors.length + 1))))
      platter.apply(piece);
  }
}

/** Each sector as it was after some number of the changes to it, drawn for each sector alone. */
function scatter(platter: Content, changes: readonly Change[], random: Random): void {
  const survive = new Map<number, number>();
  const draw = (sector: number): number => {
    const known = survive.get(sector);
    if (known !== undefined) return known;
    const drawn = Math.floor(random.unit() * (changes.length + 1));
    survive.set(sector, drawn);
    return drawn;
  };
  for (const [at, change] of changes.entries()) {
    if (change.bytes === null) {
      if (at < draw(-1)) platter.apply(change);
      continue;
    }
    for (const piece of sectorsOf(change)) {
      if (at < draw(Math.floor(piece.position / sectorBytes))) platter.apply(piece);
    }
  }
}

function sectorsOf({ position, bytes }: Change): Change[] {
  const pieces: Change[] = [];
  if (bytes === null) return pieces;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes));
    pieces.push({ position: position + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return pieces;
}

/** Bytes up to the last one that was written; zeros behind them, as preallocation makes them, take no memory. */
class Content {
  length = 0;
  #bytes = new Uint8Array(0);

  read(position: number, length: number): Uint8Array {
    const result = new Uint8Array(Math.max(0, Math.min(length, this.length - position)));
    result.set(this.#bytes.subarray(position, position + result.length));
    return result;
  }

  apply({ position, bytes }: Change): void {
    if (bytes === null) {
      this.#bytes.fill(0, Math.min(position, this.#bytes.length));
      this.length = position;
      return;
    }
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2, 256));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, position);
    this.length = Math.max(this.length, end);
  }

  become(other: Content): void {
    this.#bytes = new Uint8Array(other.#bytes);
    this.length = other.length;
  }
}
