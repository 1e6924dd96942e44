/**
 * How much memory this process allows itself. A plain agent stands beside other people's programs and does little, so it
 * takes memory as if it had to pay for it. What costs most is nothing that is kept: while an agent starts, V8 makes room
 * for 32 MiB of new objects and would never give it back. A server makes many more of them, and wants the room.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * From now on V8 prefers a small heap to a fast one, in this thread and in those that are still to come. The room for new
 * objects is then cleared so often that waking other threads to help costs more than they do: a sixth of the processor time
 * of an agent with a thousand HTTP checks (test/bench/checks.ts).
 */
export function preferSmallMemory(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--no-parallel-scavenge');
}

/** As Node begins. */
export function preferSpeed(): void {
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString('--parallel-scavenge');
}
