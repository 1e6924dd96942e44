/** A listener as a user would write one: the client resumes by itself, we only keep what it says. */
import { connect } from '../../agent/client/index.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { until } from './fleet.ts';

export class Listener {
  readonly events: HealthEvent[] = [];
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #failure: unknown = null;

  constructor(addresses: readonly string[], after: number, onEvent: (event: HealthEvent) => void = () => {}) {
    this.#ended = this.#listen(addresses, after, onEvent).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async #listen(
    addresses: readonly string[],
    after: number,
    onEvent: (event: HealthEvent) => void,
  ): Promise<void> {
    const client = connect(addresses);
    for await (const event of client.events({ after, signal: this.#abort.signal })) {
      this.events.push(event);
      onEvent(event);
    }
  }

  get lastOffset(): number {
    return this.events.at(-1)?.Offset ?? 0;
  }

  /** The first event from `position` on (an index into `events`) that fits. */
  async next(
    what: string,
    position: number,
    patienceMs: number,
    fits: (event: HealthEvent) => boolean,
  ): Promise<HealthEvent> {
    return until(what, patienceMs, async () => {
      if (this.#failure !== null) throw this.#failure;
      return this.events.slice(position).find(fits);
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }
}
