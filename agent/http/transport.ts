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
      const answer = await run(handler, route, request, reply, options);
      return send(request, reply, answer, options);
    },
  });
}

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
      query: new URLSearchParams(search),
      headers: request.raw.headers,
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
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

export async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  options: TransportOptions,
): Promise<FastifyReply> {
  reply.headers({ ...options.responseHeaders, ...answer.headers, Vary: 'Accept-Encoding' });
  switch (answer.kind) {
    case 'empty':
      if (answer.whenSent !== undefined) reply.raw.once('close', answer.whenSent);
      return reply.code(answer.status).send();
    case 'text':
      reply.code(answer.status).header('Content-Type', 'text/plain; charset=utf-8');
      return sendBytes(request, reply, answer.text);
    case 'file':
      reply.code(200).header('Content-Type', answer.type);
      return sendBytes(request, reply, answer.text);
    case 'json':
      reply.code(answer.status).header('Content-Type', 'application/json');
      return sendBytes(request, reply, jsonText(answer.value, isPretty(request)));
    case 'taken over': {
      reply.hijack();
      const headers = { ...options.responseHeaders, ...answer.headers, Vary: 'Accept-Encoding' };
      reply.raw.writeHead(200, headers);
      answer.write(reply.raw).catch((error: unknown) => {
        reply.raw.destroy();
        options.onBug(error, request.url);
      });
      return reply;
    }
  }
}

/** A buffer, since the framework would add a character set to the type of a string. */
async function sendBytes(request: FastifyRequest, reply: FastifyReply, body: string): Promise<FastifyReply> {
  const bytes = Buffer.from(body);
  const wanted = String(request.headers['accept-encoding'] ?? '').includes('gzip');
  if (!wanted || bytes.length < gzipBytesMin) return reply.send(bytes);
  return reply.header('Content-Encoding', 'gzip').send(await compress(bytes));
}

function isPretty(request: FastifyRequest): boolean {
  return new URLSearchParams(splitOnce(request.raw.url ?? '', '?')[1]).has('pretty');
}

/** Four spaces and a newline at the end, or neither. */
export function jsonText(value: unknown, pretty: boolean): string {
  return pretty ? `${JSON.stringify(value, null, 4)}\n` : JSON.stringify(value);
}
