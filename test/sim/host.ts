/**
 * One machine: an address, a disk, a clock that may run fast or slow and be set by hand, and at most one process. The
 * process may be killed or stand still; the machine may lose its power, and then its disk forgets what was not synced.
 */
import { assert } from '../../proto/assert.ts';
import type { Clock, Timer } from '../../proto/ports.ts';
import { type CrashKind, SimDisk } from './disk.ts';
import type { VirtualNetwork } from './network.ts';
import { VirtualProcess } from './process.ts';
import type { SeededRandom } from './random.ts';

export interface SimWorld {
  readonly clock: Clock;
  readonly network: VirtualNetwork;
  readonly random: SeededRandom;
}

export interface HostOptions {
  readonly name: string;
  /** Its address; a site of the network. */
  readonly site: string;
  /** How fast its clocks run; 1.01 is a hundredth too fast. Default 1. */
  readonly clockRate?: number;
  /** How much slower its disk is than a good one. Default 1. */
  readonly diskFactor?: number;
}

export class SimHost {
  readonly name: string;
  readonly site: string;
  readonly disk: SimDisk;
  /** How many processes it has had. */
  lives = 0;
  /** Its disk was made to fail under the process that runs now. */
  diskWasHurt = false;
  readonly #world: SimWorld;
  readonly #clock: HostClock;
  readonly #onEnd = new Set<() => void>();
  #process: VirtualProcess | null = null;
  #powered = true;

  constructor(world: SimWorld, { name, site, clockRate = 1, diskFactor = 1 }: HostOptions) {
    this.name = name;
    this.site = site;
    this.#world = world;
    this.#clock = new HostClock(world.clock, clockRate);
    const clock: Clock = {
      nowMs: () => this.#clock.nowMs(),
      wallMs: () => this.#clock.wallMs(),
      // What the disk has done is told to the process that asked; when that stands still, later.
      after: (delayMs, run) => (this.#process ?? this.#clock).after(delayMs, run),
    };
    const latencyMs = {
      plain: [0.02 * diskFactor, 0.1 * diskFactor],
      durable: [0.2 * diskFactor, diskFactor],
    } as const;
    this.disk = new SimDisk({ random: world.random.fork(`disk of ${name}`), clock, latencyMs });
  }

  /** Its process exists, though it may stand still. */
  get up(): boolean {
    return this.#process !== null;
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** Starts a process; the machine is switched on when it was not. */
  boot(): VirtualProcess {
    assert(this.#process === null, `${this.name} has a process already`);
    this.#powered = true;
    this.#world.network.power(this.site, true);
    this.lives += 1;
    this.diskWasHurt = false;
    this.disk.failures.length = 0;
    this.#process = new VirtualProcess(this.#clock);
    return this.#process;
  }

  /** Calls back when the process that runs now has ended. Returns how to end that. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** kill -9: the machine goes on, refuses connections and keeps what was written, synced or not. */
  kill(): void {
    this.disk.killProcess();
    this.#end();
  }

  /** The power goes: silence, and the disk keeps what was synced and, of the rest, what `kind` says. */
  crash(kind: CrashKind): void {
    this.disk.crash(kind);
    this.#powered = false;
    this.#world.network.power(this.site, false);
    this.#end();
  }

  /** The next operation of this name (`sync`, `write` …) fails. */
  hurtDisk(name: string, code: string): void {
    if (!this.up) return;
    this.diskWasHurt = true;
    this.disk.failures.push({ name, code });
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Its clocks run faster or slower from now on; 1 is as they did at the start. */
  drag(factor: number): void {
    this.#clock.drag(factor);
  }

  /** Somebody sets the wall clock. */
  setWall(byMs: number): void {
    this.#clock.wallOffsetMs += byMs;
  }

  #end(): void {
    const process = this.#process;
    if (process === null) return;
    process.stop();
    this.#process = null;
    const listeners = [...this.#onEnd];
    this.#onEnd.clear();
    for (const listener of listeners) listener();
  }
}

/** The clocks of one machine: how fast they run is its own, and what the wall clock says may be set. */
class HostClock implements Clock {
  wallOffsetMs = 0;
  readonly #world: Clock;
  readonly #ownRate: number;
  #rate: number;
  /** What this clock showed at a moment of the world's. */
  #from = { worldMs: 0, ownMs: 0 };

  constructor(world: Clock, rate: number) {
    this.#world = world;
    this.#ownRate = rate;
    this.#rate = rate;
  }

  nowMs(): number {
    return this.#from.ownMs + (this.#world.nowMs() - this.#from.worldMs) * this.#rate;
  }

  /** Timers that were set before end as they would have. */
  drag(factor: number): void {
    this.#from = { worldMs: this.#world.nowMs(), ownMs: this.nowMs() };
    this.#rate = this.#ownRate * factor;
  }

  wallMs(): number {
    return this.#world.wallMs() + Math.floor(this.wallOffsetMs);
  }

  /** A deadline that has not come is a microsecond away at least: whoever waits for the rest of a time makes progress. */
  after(delayMs: number, run: () => void): Timer {
    return this.#world.after(delayMs === 0 ? 0 : Math.max(0.001, delayMs / this.#rate), run);
  }
}
