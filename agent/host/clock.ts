/**
 * The host's clocks. `nowMs` counts from the host's boot, not from the start of this process, so that what is
 * laid out on it (the grids of the checks) stays in place when the agent is started anew.
 */
import type { Clock, Timer } from '../../proto/ports.ts';

/** The longest delay that a timer of Node takes; it would fire at once for a longer one. */
const delayMsMax = 2 ** 31 - 1;

export interface HostClockOptions {
  /** Timers keep the process alive; default: they do not, what listens does. */
  readonly keepAlive?: boolean;
}

export function hostClock(options: HostClockOptions = {}): Clock {
  const keepAlive = options.keepAlive ?? false;
  return {
    nowMs,
    wallMs: () => Date.now(),
    after: (delayMs, run) => new HostTimer(delayMs, run, keepAlive),
  };
}

/** `performance.now()` counts from the start of the process, and is read several times for every request. */
const bootedMsBefore = Number(process.hrtime.bigint()) / 1e6 - performance.now();

function nowMs(): number {
  return bootedMsBefore + performance.now();
}

class HostTimer implements Timer {
  #timeout: NodeJS.Timeout | null = null;

  constructor(delayMs: number, run: () => void, keepAlive: boolean) {
    this.#arm(nowMs() + delayMs, run, keepAlive);
  }

  cancel(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = null;
  }

  /** Node cuts fractions off and may be early by a millisecond; nobody may be woken before the time. */
  #arm(dueMs: number, run: () => void, keepAlive: boolean): void {
    const leftMs = Math.min(delayMsMax, Math.max(0, Math.ceil(dueMs - nowMs())));
    const timeout = setTimeout(() => {
      this.#timeout = null;
      if (nowMs() >= dueMs) run();
      else this.#arm(dueMs, run, keepAlive);
    }, leftMs);
    if (!keepAlive) timeout.unref();
    this.#timeout = timeout;
  }
}
