/**
 * Virtual time. Nothing happens between two instants, so ten minutes of cluster life cost as much real time as
 * the work in them. Events of one instant run in the order they were asked for; a seed therefore fixes a run.
 */

import { type Due, DueHeap } from '../../agent/gossip/due-heap.ts';
import { assert } from '../../proto/assert.ts';
import type { Clock, Timer } from '../../proto/ports.ts';

/** Wall clock of every simulation at its start: 2026-01-01T00:00:00Z. */
export const wallStartMs = 1_767_225_600_000;

class Appointment implements Timer, Due {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | null;

  constructor(dueMs: number, order: number, run: () => void) {
    this.dueMs = dueMs;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    this.run = null;
  }
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #heap = new DueHeap<Appointment>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return wallStartMs + Math.floor(this.#nowMs);
  }

  /** Timers that were set and are not due yet, cancelled ones too. */
  get waiting(): number {
    return this.#heap.size;
  }

  after(delayMs: number, run: () => void): Timer {
    assert(delayMs >= 0, `a delay of ${delayMs} ms`);
    this.#order += 1;
    const appointment = new Appointment(this.#nowMs + delayMs, this.#order, run);
    this.#heap.push(appointment);
    return appointment;
  }

  /** Lets `durationMs` pass. */
  runFor(durationMs: number): void {
    this.runUntil(this.#nowMs + durationMs);
  }

  runUntil(endMs: number): void {
    while (this.#runNext(endMs));
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /** As `runFor`, and every promise that can finish does so before the next thing happens. */
  async settleFor(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await turn();
    await new Promise<void>((resolve, reject) => {
      const next = () => {
        try {
          if (this.#runNext(endMs)) whenSettled(next);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      whenSettled(next);
    });
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  #runNext(endMs: number): boolean {
    for (let next = this.#heap.first; next !== undefined && next.dueMs <= endMs; next = this.#heap.first) {
      this.#heap.pop();
      if (next.run === null) continue;
      this.#nowMs = next.dueMs;
      next.run();
      return true;
    }
    return false;
  }
}

const done = Promise.resolve();

/**
 * Runs when no promise can go on without a timer: a tick that is asked for by a microtask comes after all microtasks, and
 * costs a fraction of a turn of the event loop.
 */
function whenSettled(run: () => void): void {
  void done.then(() => process.nextTick(run));
}

/** One turn of the event loop, so that a long simulation does not look like a hung process to whoever runs it. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
