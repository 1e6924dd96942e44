/**
 * The rules that hold for every path of the API, in one place: methods, decoding, errors, JSON, compression. Routes say
 * what is special about them and nothing else. Reference: consul-http-api, section 1.
 */
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import { type Answer, empty, type Headers, text } from './answers.ts';
import { Call } from './call.ts';

const methods = ['GET', 'PUT', 'POST', 'DELETE'] as const;
export type Method = (typeof methods)[number];
/** What a path is asked with beside those that it may know; all of them are answered by us. */
const otherMethods = ['OPTIONS', 'HEAD', 'PATCH'];

export type Handler = (call: Call) => Promise<Answer> | Answer;

export interface Route {
  /** Ends in `/` when what follows is a parameter. */
  readonly path: string;
  readonly methods: Partial<Record<Method, Handler>>;
  /** Takes the body as it comes, of any size: `Call.stream`. */
  readonly streams?: boolean;
}

export interface TransportOptions {
  /** Added to every answer. */
  readonly responseHeaders: Headers;
  readonly open: OpenCalls;
  /** A route threw what is no expected error. */
  readonly onBug: (error: unknown, path: string) => void;
}

/** Requests that are held or streamed, so that all of them can be ended when the agent stops. */
export class OpenCalls {
  readonly #calls = new Set<AbortController>();
  #ended = false;

  /** Aborts when the client hangs up, or when the agent stops. */
  signalOf(reply: FastifyReply): AbortSignal {
    const abort = new AbortController();
    this.#calls.add(abort);
    reply.raw.once('close', () => {
      this.#calls.delete(abort);
      abort.abort();
    });
    if (this.#ended || reply.raw.destroyed) abort.abort();
    return abort.signal;
  }

  end(): void {
    this.#ended = true;
    for (const abort of this.#calls) abort.abort();
  }
}

/** Smaller answers cost more to compress than to send. */
const gzipBytesMin = 1_024;
const compress = promisify(gzip);

export function mountRoute(app: FastifyInstance, route: Route, options: TransportOptions): void {
  const isPrefix = route.path.endsWith('/') && route.path !== '/';
  const known = methods.filter((method) => route.methods[method] !== undefined);
  const allow = ['OPTIONS', ...known].join(',');
  app.route({
    method: [...methods, ...otherMethods],
    url: isPrefix ? `${route.path}*` : route.path,
    handler: async (request, reply) => {
      const handler = route.methods[request.method as Method];
      if (handler === undefined) {
        const answer =
          request.method === 'OPTIONS'
            ? empty({ Allow: allow })
            : text(405, `method ${request.method} not allowed`, { Allow: allow });
        return send(request, reply, answer, options);
      }
      return send(request, reply, await run(handler, route, request, reply, options), options);
    },
  });
}

const noQuery = new URLSearchParams();
const noBody = Buffer.alloc(0);

async function run(
  handler: Handler,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  options: TransportOptions,
): Promise<Answer> {
  const stream = request.body instanceof Readable ? request.body : null;
  try {
    const url = request.raw.url ?? '';
    const [path = '', search = ''] = splitOnce(url, '?');
    const call = new Call({
      param: route.path.endsWith('/') ? decoded(path.slice(route.path.length)) : '',
      query: search === '' ? noQuery : new URLSearchParams(search),
      headers: request.raw.headers,
      body: Buffer.isBuffer(request.body) ? request.body : noBody,
      stream,
      makeSignal: () => options.open.signalOf(reply),
    });
    refuseNamespace(call);
    return await handler(call);
  } catch (error) {
    if (isExpected(error)) return text(error.status, error.message);
    options.onBug(error, route.path);
    return text(500, 'internal error');
  } finally {
    // What nobody read would hold up the answer to a client that has not sent all of it yet.
    stream?.resume();
  }
}

/** Consul without its paid features refuses the parameter, even for the default namespace. */
function refuseNamespace(call: Call): void {
  if (!call.has('ns')) return;
  throw new ExpectedError(
    'BAD_REQUEST',
    'Bad request: Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature',
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ExpectedError('BAD_REQUEST', `Bad request: "${part.slice(0, 100)}" is not percent-encoded`);
  }
}

function splitOnce(whole: string, separator: string): [string, string] {
  const at = whole.indexOf(separator);
  return at === -1 ? [whole, ''] : [whole.slice(0, at), whole.slice(at + 1)];
}

/**
 * Written past the framework to the bare response: given as one text, head and body leave in one system call, which is the
 * greater part of what a short answer costs.
 */
export function send(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  options: TransportOptions,
): FastifyReply | Promise<FastifyReply> {
  const headers: Record<string, string> = {
    ...options.responseHeaders,
    ...answer.headers,
    Vary: 'Accept-Encoding',
  };
  // The framework wants it so, after a request that it did not read to its end.
  if (reply.hasHeader('connection')) headers.Connection = 'close';
  reply.hijack();
  const onBug = (error: unknown) => {
    reply.raw.destroy();
    options.onBug(error, request.url);
  };
  try {
    return sendWith(headers, request, reply, answer, onBug);
  } catch (error) {
    onBug(error);
    return reply;
  }
}

function sendWith(
  headers: Record<string, string>,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  onBug: (error: unknown) => void,
): FastifyReply | Promise<FastifyReply> {
  const { raw } = reply;
  switch (answer.kind) {
    case 'empty':
      if (answer.whenSent !== undefined) raw.once('close', answer.whenSent);
      headers['Content-Length'] = '0';
      raw.writeHead(answer.status, headers).end();
      return reply;
    case 'text':
      headers['Content-Type'] = 'text/plain; charset=utf-8';
      return sendBody(request, reply, answer.status, headers, answer.text);
    case 'file':
      headers['Content-Type'] = answer.type;
      return sendBody(request, reply, 200, headers, answer.text);
    case 'json':
      headers['Content-Type'] = 'application/json';
      return sendBody(request, reply, answer.status, headers, jsonText(answer.value, isPretty(request)));
    case 'taken over':
      raw.writeHead(200, headers);
      answer.write(raw).catch(onBug);
      return reply;
  }
}

function sendBody(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  headers: Record<string, string>,
  body: string,
): FastifyReply | Promise<FastifyReply> {
  const length = Buffer.byteLength(body);
  const wanted = String(request.headers['accept-encoding'] ?? '').includes('gzip');
  if (wanted && length >= gzipBytesMin) return sendCompressed(reply, status, headers, body);
  headers['Content-Length'] = String(length);
  reply.raw.writeHead(status, headers).end(body);
  return reply;
}

async function sendCompressed(
  reply: FastifyReply,
  status: number,
  headers: Record<string, string>,
  body: string,
): Promise<FastifyReply> {
  const bytes = await compress(body);
  headers['Content-Encoding'] = 'gzip';
  headers['Content-Length'] = String(bytes.length);
  reply.raw.writeHead(status, headers).end(bytes);
  return reply;
}

function isPretty(request: FastifyRequest): boolean {
  const [, search] = splitOnce(request.raw.url ?? '', '?');
  return search !== '' && new URLSearchParams(search).has('pretty');
}

/** Four spaces and a newline at the end, or neither. */
export function jsonText(value: unknown, pretty: boolean): string {
  return pretty ? `${JSON.stringify(value, null, 4)}\n` : JSON.stringify(value);
}
