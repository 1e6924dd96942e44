/**
 * A reader with a name that polls is there between two polls as well: what it was given last is in its hands until it
 * confirms it, asks for more, or has been silent for so long that the next reader takes over. Without this, two who poll
 * under one name would each be given what the other is still at work on.
 */
import type { Clock } from '../../proto/ports.ts';
import type { CursorName } from '../../proto/rpc.ts';

/** As long as the servers wait for a reader that takes nothing (server/cursor-desk.ts). */
const silenceMs = 10_000;

interface Held {
  /** The last event that the reader was given. */
  readonly last: number;
  end(): void;
}

export class HeldReads {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `end` once: when the reader goes on, or when it has been silent for too long. */
  hold(cursor: CursorName, last: number, end: () => void): void {
    const key = keyOf(cursor);
    this.#held.get(key)?.end();
    const timer = this.#clock.after(silenceMs, () => held.end());
    const held: Held = {
      last,
      end: () => {
        timer.cancel();
        if (this.#held.get(key) === held) this.#held.delete(key);
        end();
      },
    };
    this.#held.set(key, held);
  }

  /** The reader has dealt with everything up to here: it confirms that, or asks for what lies behind it. */
  goOn(cursor: CursorName, offset: number): void {
    const held = this.#held.get(keyOf(cursor));
    if (held !== undefined && offset >= held.last) held.end();
  }
}

function keyOf({ name, share }: CursorName): string {
  return `${share} ${name}`;
}
