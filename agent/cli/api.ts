/** The HTTP API of an agent as the commands use it. Every failure is one clear line, see `Exit`. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { parseAddress, urlHost } from '../../proto/address.ts';
import { messageOf } from '../../proto/errors.ts';
import { Exit, exitFailed, exitUsage, harmless } from './io.ts';

export const defaultHttpAddress = 'http://127.0.0.1:8500';
const defaultPort = 8500;
/** A server holds a request for about 7 s when there is no leader; more than this is no answer. */
const answerTimeoutMs = 30_000;

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Answer {
  readonly body: string;
  header(name: string): string;
}

/** An answer with a status of 400 or more. */
export class Refused extends Exit {
  readonly status: number;
  /** What the agent said, line by line; the message has it in one. */
  readonly lines: readonly string[];

  constructor(status: number, text: string) {
    const said = text.trim() === '' ? `the agent answered with HTTP status ${status}` : text.trim();
    super(exitFailed, harmless(said));
    this.status = status;
    this.lines = said.split('\n').map(harmless);
  }
}

/** Nobody answered, or the connection broke. */
export class Unreachable extends Exit {}

export class Api {
  readonly base: string;

  /** `address` is HOST[:PORT] or http://HOST[:PORT]; throws `Exit` when it is neither. */
  constructor(address: string) {
    this.base = baseUrl(address);
  }

  get(path: string, query: Query = {}): Promise<Answer> {
    return this.#answer('GET', path, query);
  }

  /** `timeoutMs` until the answer begins; 0: as long as it takes. */
  put(path: string, query: Query = {}, body = '', timeoutMs = answerTimeoutMs): Promise<Answer> {
    return this.#answer('PUT', path, query, body, timeoutMs);
  }

  /** A body of any size, sent as it is read; the answer may take as long as it likes. */
  upload(path: string, body: Readable, query: Query = {}): Promise<Answer> {
    return this.#answer('PUT', path, query, body, 0);
  }

  delete(path: string, query: Query = {}, body?: string): Promise<Answer> {
    return this.#answer('DELETE', path, query, body);
  }

  post(path: string, query: Query = {}, body = ''): Promise<Answer> {
    return this.#answer('POST', path, query, body);
  }

  async json<T>(path: string, query: Query = {}): Promise<T> {
    return parseJson<T>((await this.get(path, query)).body, this.base);
  }

  /** An answer that goes on: the caller reads the body line by line. `idleTimeoutMs`: silence that means a lost connection. */
  async open(
    path: string,
    query: Query,
    options: { accept: string; idleTimeoutMs: number; signal?: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    const answer = await this.#send('GET', path, query, undefined, {
      accept: options.accept,
      bodyTimeout: options.idleTimeoutMs,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (answer.statusCode < 400) return answer;
    throw new Refused(answer.statusCode, await answer.body.text());
  }

  async #answer(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    query: Query,
    body?: string | Readable,
    timeoutMs = answerTimeoutMs,
  ): Promise<Answer> {
    const timeout = { headersTimeout: timeoutMs };
    const { statusCode, headers, body: stream } = await this.#send(method, path, query, body, timeout);
    const text = await stream.text().catch((error) => {
      throw new Unreachable(exitFailed, `the answer of ${this.base} broke off: ${messageOf(error)}`);
    });
    if (statusCode >= 400) throw new Refused(statusCode, text);
    return { body: text, header: (name) => String(headers[name.toLowerCase()] ?? '') };
  }

  async #send(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    query: Query,
    body: string | Readable | undefined,
    more: { accept?: string; headersTimeout?: number; bodyTimeout?: number; signal?: AbortSignal } = {},
  ): Promise<Dispatcher.ResponseData> {
    const { accept = 'application/json', ...options } = more;
    try {
      // Only now: an agent has these commands in its memory as well, and asks nobody.
      const { request } = await import('undici');
      return await request(`${this.base}${path}${formatQuery(query)}`, {
        method,
        headers: { accept },
        headersTimeout: answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
        ...(body === undefined ? {} : { body }),
        ...options,
      });
    } catch (error) {
      throw new Unreachable(
        exitFailed,
        `nobody answers at ${this.base} (${reasonOf(error)}): start an agent there, or name another one with --http-addr or ROLLCALL_HTTP_ADDR`,
      );
    }
  }
}

/** What an agent sent as JSON. */
export function parseJson<T>(text: string, from: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    const start = harmless(text.slice(0, 60));
    throw new Exit(exitFailed, `${from} did not answer with JSON ("${start}"): is it an agent?`);
  }
}

/** A part of a path, so that an id with slashes stays one part. */
export function pathPart(text: string): string {
  return encodeURIComponent(text);
}

function baseUrl(address: string): string {
  const plain = address.replace(/^http:\/\//, '').replace(/\/+$/, '');
  try {
    const { host, port } = parseAddress(plain, defaultPort);
    return `http://${urlHost(host)}:${port}`;
  } catch (error) {
    throw new Exit(exitUsage, `--http-addr: ${messageOf(error)}`);
  }
}

function formatQuery(query: Query): string {
  const parts = Object.entries(query).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [value].flat().map((one) => (one === '' ? key : `${key}=${encodeURIComponent(one)}`));
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'the host name is unknown',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ECONNRESET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'it takes too long to connect',
  UND_ERR_HEADERS_TIMEOUT: 'it takes too long to answer',
  UND_ERR_SOCKET: 'the connection broke',
};

function reasonOf(error: unknown): string {
  const { code, errors } = error as { code?: string; errors?: readonly unknown[] };
  if (code !== undefined && reasons[code] !== undefined) return reasons[code];
  // Several addresses of one name were tried.
  return errors?.[0] === undefined ? messageOf(error) : reasonOf(errors[0]);
}
