/**
 * Notices that the files of the configuration have changed (`auto_reload_config`). It looks at them every two seconds
 * instead of listening to the kernel: that also sees files behind links that are swapped as a whole, as containers
 * have them. A change counts when it has stood still for one look, so a file that is being written is not read half.
 */
import type { Clock, Timer } from '../proto/ports.ts';

const lookMs = 2_000;

export interface ConfigWatchPorts {
  readonly clock: Clock;
  /** A text that changes with the files. */
  signature(): Promise<string>;
  onChange(): void;
}

interface Watch {
  timer: Timer | null;
  /** As it was when the files were last read. */
  known: string | null;
  /** As it was at the last look. */
  seen: string | null;
}

export class ConfigWatch {
  readonly #ports: ConfigWatchPorts;
  #watch: Watch | null = null;

  constructor(ports: ConfigWatchPorts) {
    this.#ports = ports;
  }

  /** What changed while it was off is not noticed later. */
  set(on: boolean): void {
    if (on === (this.#watch !== null)) return;
    this.#watch?.timer?.cancel();
    this.#watch = on ? { timer: null, known: null, seen: null } : null;
    if (this.#watch !== null) void this.#look(this.#watch);
  }

  stop(): void {
    this.set(false);
  }

  async #look(watch: Watch): Promise<void> {
    const now = await this.#ports.signature();
    if (watch !== this.#watch) return;
    watch.known ??= now;
    if (now !== watch.known && now === watch.seen) {
      watch.known = now;
      this.#ports.onChange();
    }
    watch.seen = now;
    watch.timer = this.#ports.clock.after(lookMs, () => void this.#look(watch));
  }
}
