/**
 * `rollcall/client`: listens to the event log through any agent, in Node and in browsers.
 *
 *     import { connect } from 'rollcall/client';
 *     for await (const event of connect(['http://10.0.0.1:8500', 'http://10.0.0.2:8500']).events({ after })) {
 *       console.log(event.Offset, event.Kind, event.Node, event.To);
 *       after = event.Offset;
 *     }
 *
 * When the agent that it listens to is lost, it goes on at the next one behind the last record that came through: nothing
 * is missed and nothing comes twice. Keep the last `Offset` to go on after a restart of your own.
 */
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { linesOf } from './lines.ts';

export type { EventCause, EventKind, HealthEvent, StreamRecord } from '../../proto/schema/event.ts';

/** Which events are wanted; what is left out selects everything. All that are given must hold. */
export interface EventSelection {
  /** `check.changed`, or a whole family: `node.*`. */
  readonly kinds?: readonly string[];
  readonly nodes?: readonly string[];
  /** Ids or names. */
  readonly services?: readonly string[];
  readonly checks?: readonly string[];
  /** The new status or state. */
  readonly statuses?: readonly string[];
  /** Tags that the service has now. */
  readonly tags?: readonly string[];
  /** An expression: `Node matches "^web-" and To == "critical"`. */
  readonly filter?: string;
}

export interface ListenOptions extends EventSelection {
  /** The last offset that you have; 0: from the first that is kept. Default: from now. */
  readonly after?: number;
  /** The log that `after` belongs to (`client.log`); another one is refused instead of mistaken. */
  readonly log?: string;
  /** Ends the listening; the loop just ends. */
  readonly signal?: AbortSignal;
  /** Events that are no longer kept. Without it a gap throws `GapError`, since nothing may be missed in silence. */
  readonly onGap?: (gap: Gap) => void;
}

export interface Gap {
  readonly From: number;
  readonly To: number;
  readonly Reason: string;
}

export interface ConnectOptions {
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Sent with every request, such as a token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait between two attempts when no agent answers, in milliseconds. Default 5,000. */
  readonly retryMsMax?: number;
  /** Told of each agent that is lost, and why; the listening goes on. */
  readonly onTrouble?: (message: string) => void;
}

/** The agents refused the request itself: another attempt would be refused as well. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** HTTP status: 400 what cannot be read, 410 an offset of another log or one that is gone. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Events between two offsets are no longer kept. Go on with `after: error.gap.To`, or read the state first. */
export class GapError extends Error {
  override readonly name = 'GapError';
  readonly gap: Gap;

  constructor(gap: Gap) {
    super(`events ${gap.From} to ${gap.To} are no longer kept`);
    this.gap = gap;
  }
}

/** First wait between two attempts, doubled up to the longest. */
const retryMsMin = 100;
const retryMsMaxDefault = 5_000;
/** A quiet stream says something every 15 s; three times as long without a word is a lost connection. */
const idleTimeoutMs = 45_000;

/** `agents` are URLs or `HOST:PORT`. Nothing is opened before somebody listens. */
export function connect(agents: string | readonly string[], options: ConnectOptions = {}): Client {
  return new Client([agents].flat(), options);
}

export class Client {
  readonly #agents: readonly string[];
  readonly #options: ConnectOptions;
  /** The agent in use, by its place in the list. */
  #at = 0;
  #log = '';

  constructor(agents: readonly string[], options: ConnectOptions) {
    if (agents.length === 0) throw new TypeError('connect needs the address of an agent');
    this.#agents = agents.map((agent) =>
      (/^https?:\/\//.test(agent) ? agent : `http://${agent}`).replace(/\/+$/, ''),
    );
    this.#options = options;
  }

  /** Id of the log that offsets belong to; '' before the first answer. */
  get log(): string {
    return this.#log;
  }

  /** Events in order, each once, without an end. */
  async *events(options: ListenOptions = {}): AsyncGenerator<HealthEvent, void, undefined> {
    for await (const record of this.records(options)) {
      if ('Offset' in record) yield record;
      else if ('Gap' in record && options.onGap !== undefined) options.onGap(record.Gap);
      else if ('Gap' in record) throw new GapError(record.Gap);
    }
  }

  /** Everything that is said: events, gaps and positions. Positions say how far a filtered listener has come. */
  async *records(options: ListenOptions = {}): AsyncGenerator<StreamRecord, void, undefined> {
    let position = options.after;
    let retryMs = retryMsMin;
    if (options.log !== undefined) this.#log = options.log;
    while (!options.signal?.aborted) {
      try {
        for await (const record of this.#listen(options, position)) {
          retryMs = retryMsMin;
          if ('start' in record) {
            position = record.start;
            continue;
          }
          if ('Offset' in record && position !== undefined && record.Offset <= position) continue;
          position = positionAfter(record) ?? position;
          yield record;
        }
        this.#onTrouble('the stream ended');
      } catch (error) {
        if (options.signal?.aborted) return;
        if (error instanceof RequestError) throw error;
        this.#onTrouble(error instanceof Error ? error.message : String(error));
      }
      this.#at = (this.#at + 1) % this.#agents.length;
      // The other agents are tried at once; only when all of them have failed in a row is it time to wait.
      if (this.#at === 0 || this.#agents.length === 1) {
        await pause(retryMs * (0.5 + Math.random() / 2), options.signal);
        retryMs = Math.min(this.#options.retryMsMax ?? retryMsMaxDefault, retryMs * 2);
      }
    }
  }

  /** One connection to the agent in use; begins with where it stands. */
  async *#listen(
    options: ListenOptions,
    after: number | undefined,
  ): AsyncGenerator<StreamRecord | { readonly start: number }, void, undefined> {
    const { fetch: ask = fetch, headers = {} } = this.#options;
    const answer = await ask(`${this.#agents[this.#at]}/v1/events/stream?${this.#query(options, after)}`, {
      headers: { ...headers, accept: 'application/x-ndjson' },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (!answer.ok || answer.body === null) {
      const message = (await answer.text()) || `HTTP status ${answer.status}`;
      throw answer.status >= 500 ? new Error(message) : new RequestError(answer.status, message);
    }
    this.#log = answer.headers.get('x-rollcall-log') ?? this.#log;
    const start = answer.headers.get('x-rollcall-offset');
    if (start !== null) yield { start: Number(start) };
    for await (const line of linesOf(answer.body, idleTimeoutMs)) {
      const record = JSON.parse(line) as StreamRecord;
      if ('Error' in record) throw new Error(`${record.Error.Code}: ${record.Error.Message}`);
      yield record;
    }
  }

  #query(options: ListenOptions, after: number | undefined): URLSearchParams {
    const query = new URLSearchParams();
    if (after !== undefined) query.set('after', String(after));
    if (after !== undefined && this.#log !== '') query.set('log', this.#log);
    const lists = {
      kind: options.kinds,
      node: options.nodes,
      service: options.services,
      check: options.checks,
      status: options.statuses,
      tag: options.tags,
    };
    for (const [name, values] of Object.entries(lists))
      for (const value of values ?? []) query.append(name, value);
    if (options.filter !== undefined) query.set('filter', options.filter);
    return query;
  }

  #onTrouble(message: string): void {
    this.#options.onTrouble?.(`${this.#agents[this.#at]}: ${message}`);
  }
}

function positionAfter(record: StreamRecord): number | undefined {
  if ('Offset' in record) return record.Offset;
  if ('Gap' in record) return record.Gap.To;
  return 'Position' in record ? record.Position : undefined;
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener('abort', done, { once: true });
  });
}
