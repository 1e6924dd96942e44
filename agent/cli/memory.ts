/**
 * How much memory this process allows itself. A plain agent stands beside other people's programs and does little, so it
 * takes memory as if it had to pay for it. What costs most is nothing that is kept: while an agent starts, V8 makes room
 * for 32 MiB of new objects and would never give it back, and each of its compiler threads keeps the memory of its largest
 * job (20 MiB in all) for code that runs twice a minute. A server makes many more objects, and wants the room and the code;
 * an agent that has become busy wants the code.
 */
import { setFlagsFromString } from 'node:v8';
import type { Clock } from '../../proto/ports.ts';

/**
 * From now on V8 prefers a small heap to a fast one, in this thread and in those that are still to come, and interprets
 * code. The room for new objects is then cleared so often that waking other threads to help costs more than they do: a sixth
 * of the processor time of an agent with a thousand HTTP checks (test/bench/checks.ts).
 */
export function preferSmallMemory(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--no-sparkplug');
  setFlagsFromString('--no-turbofan');
  // WebAssembly (undici's parser, Node's own for CommonJS) is compiled once and simply, not again by the large compiler.
  setFlagsFromString('--liftoff-only');
}

/** As Node begins. */
export function preferSpeed(): void {
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString('--parallel-scavenge');
  preferFastCode();
}

/** What runs often is compiled; the heap stays as small as it was. */
export function preferFastCode(): void {
  setFlagsFromString('--sparkplug');
  setFlagsFromString('--turbofan');
  setFlagsFromString('--no-liftoff-only');
}

const lookMs = 5_000;
/** An idle agent takes half a percent of a processor. */
const busyPercent = 10;
/** One look may meet a moment of work, such as a reload. */
const looksBusy = 2;

export interface BusyPorts {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Processor time that this process has used, all threads, in milliseconds. */
  readonly cpuMs: () => number;
  /** Called once. */
  readonly onBusy: () => void;
}

/** Looks every five seconds until the process has twice in a row been busy; answers the function that ends it. */
export function whenBusy({ clock, cpuMs, onBusy }: BusyPorts): () => void {
  let [sinceMs, usedMs, busy] = [clock.nowMs(), cpuMs(), 0];
  const look = () => {
    const [nowMs, cpu] = [clock.nowMs(), cpuMs()];
    busy = (cpu - usedMs) * 100 > (nowMs - sinceMs) * busyPercent ? busy + 1 : 0;
    [sinceMs, usedMs] = [nowMs, cpu];
    if (busy === looksBusy) onBusy();
    else timer = clock.after(lookMs, look);
  };
  let timer = clock.after(lookMs, look);
  return () => timer.cancel();
}

export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
