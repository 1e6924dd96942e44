/**
 * Events under a name that the servers remember. What was dealt with is confirmed, so whoever reads with this name next
 * goes on behind it; what was not confirmed when the reader went comes again, so nothing is lost and a little may come twice.
 */
import { messageOf } from '../../proto/errors.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';
import { type Api, pathPart, type Query, Refused } from './api.ts';
import { positionAfter, readPage } from './event-source.ts';

export interface Cursor {
  readonly name: string;
  /** `''`, or `i/n`. */
  readonly share: string;
}

export function cursorQuery({ name, share }: Cursor): Query {
  return share === '' ? { cursor: name } : { cursor: name, share };
}

/** What there is behind the confirmed position, up to `end`. A position after each page tells how far it has come. */
export async function* readNamed(
  api: Api,
  cursor: Cursor,
  end: number,
  filter: Query,
): AsyncGenerator<StreamRecord> {
  const query = { ...filter, ...cursorQuery(cursor) };
  let position = await confirmedPosition(api, cursor);
  while (position === undefined || position < end) {
    const page = await readPage(api, position, query);
    const records: readonly StreamRecord[] =
      'Gap' in page ? [page] : [...page.events, { Position: Math.max(page.offset, position ?? 0) }];
    yield* records;
    const reached = positionAfter(records.at(-1)!)!;
    if (reached === position) return;
    position = reached;
  }
}

/** Undefined for a new name, which begins now. */
async function confirmedPosition(api: Api, { name, share }: Cursor): Promise<number | undefined> {
  try {
    const shares = await api.json<{ Share: string; Offset: number }[]>(pathOf(name));
    return shares.find((each) => each.Share === share)?.Offset;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}

/** Less than a third of the silence after which the servers give the name to the next reader. */
const aliveMs = 3_000;

/** Confirms in the background: the servers take their time, and write the newest of a second. */
export class Confirmations {
  readonly #api: Api;
  readonly #cursor: Cursor;
  #wanted = 0;
  #confirmed = 0;
  #working: Promise<void> | null = null;
  #failure = '';

  constructor(api: Api, cursor: Cursor) {
    this.#api = api;
    this.#cursor = cursor;
  }

  /** Everything up to this record is dealt with. What could not be confirmed is tried again with the next one. */
  note(record: StreamRecord): void {
    this.#wanted = Math.max(this.#wanted, positionAfter(record) ?? 0);
    this.#working ??= this.#work();
  }

  /** While this takes its time, what was confirmed last is said again: who is at work is not silent. */
  async during(work: Promise<void>): Promise<void> {
    const timer = setInterval(() => {
      // What does not come through is no harm: it is said again, or the work is done before.
      if (this.#confirmed > 0) this.#say(this.#confirmed).catch(() => {});
    }, aliveMs);
    try {
      await work;
    } finally {
      clearInterval(timer);
    }
  }

  /** Resolves with what is wrong when the last ones could not be confirmed, else with ''. */
  async flush(): Promise<string> {
    await this.#working;
    await this.#work();
    return this.#confirmed < this.#wanted ? this.#failure : '';
  }

  async #work(): Promise<void> {
    try {
      while (this.#confirmed < this.#wanted) {
        const offset = this.#wanted;
        await this.#say(offset);
        this.#confirmed = offset;
      }
    } catch (error) {
      this.#failure = messageOf(error);
    }
    this.#working = null;
  }

  async #say(offset: number): Promise<void> {
    const { name, share } = this.#cursor;
    await this.#api.put(pathOf(name), share === '' ? {} : { share }, JSON.stringify({ Offset: offset }));
  }
}

function pathOf(name: string): string {
  return `/v1/events/cursors/${pathPart(name)}`;
}
