/** One request as a route sees it: decoded path parameter, query, raw body. Reads of it throw BAD_REQUEST with Consul's words. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';

/** Exactly the words that Consul takes for a boolean. */
const trueWords = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falseWords = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** Longest wait of a held request, and what it is without `wait`. */
export const waitMsMax = 600_000;
export const waitMsDefault = 300_000;

export class Call {
  /** What follows the route's prefix, percent-decoded once; '' on a fixed path. */
  readonly param: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body of a route that takes it as it comes; then `body` is empty. */
  readonly stream: Readable | null;
  readonly #makeSignal: () => AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(parts: {
    param: string;
    query: URLSearchParams;
    headers: IncomingHttpHeaders;
    body: Buffer;
    stream?: Readable | null;
    makeSignal: () => AbortSignal;
  }) {
    this.param = parts.param;
    this.query = parts.query;
    this.headers = parts.headers;
    this.body = parts.body;
    this.stream = parts.stream ?? null;
    this.#makeSignal = parts.makeSignal;
  }

  /** Aborts when the client has hung up, or when the agent stops. Made on demand: most requests are too short for it. */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  /** Present, whatever its value: `?stale`, `?stale=`, `?stale=0`. */
  has(flag: string): boolean {
    return this.query.has(flag);
  }

  get(name: string): string {
    return this.query.get(name) ?? '';
  }

  all(name: string): readonly string[] {
    return this.query.getAll(name);
  }

  header(name: string): string {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : (value ?? '');
  }

  /** `undefined` when it is missing or empty. Throws with `complaint` when it is no boolean. */
  boolean(name: string, complaint: (value: string) => string): boolean | undefined {
    const value = this.get(name);
    if (value === '') return undefined;
    if (trueWords.has(value)) return true;
    if (falseWords.has(value)) return false;
    throw new ExpectedError('BAD_REQUEST', complaint(value));
  }

  /** The path parameter; throws with `complaint` when there is none. */
  required(complaint: string, status = 400): string {
    if (this.param === '') throw new ExpectedError('BAD_REQUEST', complaint, { status });
    return this.param;
  }

  /** `wait=`, in milliseconds; cut to the longest wait. `0s` is the default, as in Consul. */
  waitMs(): number {
    const value = this.get('wait');
    if (value === '') return waitMsDefault;
    const parsed = parseDuration(value);
    if (!parsed.ok || parsed.ms < 0) throw new ExpectedError('BAD_REQUEST', 'Invalid wait time');
    return parsed.ms === 0 ? waitMsDefault : Math.min(waitMsMax, parsed.ms);
  }
}
