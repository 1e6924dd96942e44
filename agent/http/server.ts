/**
 * Port 8500: opens the socket, sets the limits and mounts the routes. What a path answers is in the files named after
 * their groups; what all of them share is in `transport.ts`.
 */
import type { Socket } from 'node:net';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Endpoint } from '../../proto/ports.ts';
import { text } from './answers.ts';
import { watchBody } from './body-deadline.ts';
import type { HttpContext } from './context.ts';
import { EventHub } from './event-hub.ts';
import { mountEventSocket } from './event-socket.ts';
import { allRoutes } from './routes.ts';
import { mountRoute, OpenCalls, send, type TransportOptions } from './transport.ts';

/** Larger requests are refused with this number in the answer. */
export const bodyBytesMax = 1024 * 1024;
export const headerBytesMax = 16 * 1024;
/** Ten thousand listeners are welcome, a flood is not. */
export const connectionsMax = 32_768;
/** Time to send the headers: one byte a second holds no socket for ever. For bodies see `body-deadline.ts`. */
const headersTimeoutMs = 15_000;
const keepAliveTimeoutMs = 120_000;
/** At the end: whoever does not take the last of its answer in this time loses it. */
const drainMs = 1_000;
const sweepMs = 20;

export interface RunningHttp {
  /** The port is the real one when 0 was asked for. */
  readonly address: Endpoint;
  /** Ends streams and held requests, lets short ones finish, closes. */
  stop(): Promise<void>;
}

/** Rejects with a Node-like error (`EADDRINUSE`, `EADDRNOTAVAIL` …) when it cannot listen there. */
export async function startHttp(context: HttpContext, at: Endpoint): Promise<RunningHttp> {
  const open = new OpenCalls();
  const options: TransportOptions = {
    responseHeaders: { 'X-Consul-Default-ACL-Policy': 'allow', ...context.responseHeaders },
    open,
    onBug: context.onBug,
  };
  const app = makeApp(options);
  const unused = unusedConnections(app);
  const hub = new EventHub(context.rpc, context.clock);
  const endSockets = mountEventSocket(app.server, context, hub);
  const routes = allRoutes(context, hub);
  const streams = new Set(routes.filter((route) => route.streams).map((route) => route.path));
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    // Most bodies have come with their headers by then, and need no watch.
    process.nextTick(() => {
      if (raw.complete) return;
      watchBody(raw, streams.has(raw.url?.split('?', 1)[0] ?? ''), () => endLate(raw.socket));
    });
    done();
  });
  for (const route of routes) if (!route.streams) mountRoute(app, route, options);
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    for (const route of routes) if (route.streams) mountRoute(scope, route, options);
  });
  await app.listen({ host: at.host, port: at.port });
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : at.port;
  return {
    address: { host: at.host, port },
    stop: async () => {
      open.end();
      endSockets();
      for (const socket of unused) socket.destroy();
      // A connection that was busy when we began to close becomes idle and would be kept for the next request.
      const sweep = setInterval(() => app.server.closeIdleConnections(), sweepMs);
      const force = setTimeout(() => app.server.closeAllConnections(), drainMs);
      await app.close();
      clearInterval(sweep);
      clearTimeout(force);
    },
  };
}

/** Browsers and pools connect ahead of time; to the server such a connection does not count as idle. */
function unusedConnections(app: FastifyInstance): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', (request) => unused.delete(request.socket));
  app.server.on('upgrade', (request) => unused.delete(request.socket));
  return unused;
}

/** No route has a schema, so nobody ever asks for one. */
function noCompiler(): never {
  throw new Error('routes have no JSON Schema');
}

function makeApp(options: TransportOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    // Requests are checked by our own schemas, so the libraries that compile JSON Schemas stay on the disk (3 MiB).
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    bodyLimit: bodyBytesMax,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    // Of Node; ours knows which bodies may take their time.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveTimeoutMs,
    http: { maxHeaderSize: headerBytesMax, headersTimeout: headersTimeoutMs },
    routerOptions: { maxParamLength: headerBytesMax },
    clientErrorHandler: (error, socket) => answerClientError(error, socket as Socket),
    frameworkErrors: (_error, request, reply) => {
      void send(request, reply, text(400, 'Bad request: the path cannot be read'), options);
    },
  });
  app.server.maxConnections = connectionsMax;
  // Clients send any content type, malformed ones too: what a body is, is known by its path.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] !== undefined) {
      request.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler(async (request, reply) => {
    const url = request.raw.url ?? '';
    const [path = ''] = url.split('?');
    if (path.includes('//')) {
      return reply.redirect(path.replaceAll(/\/{2,}/g, '/') + url.slice(path.length), 301);
    }
    return reply.code(404).send();
  });
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) {
      const message = `Request body too large, max size: ${bodyBytesMax} bytes`;
      return send(request, reply, text(413, message), options);
    }
    if (status < 500) return send(request, reply, text(status, `Bad request: ${error.message}`), options);
    options.onBug(error, request.url);
    return send(request, reply, text(500, 'internal error'), options);
  });
  return app;
}

function endLate(socket: Socket): void {
  answerClientError(Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  socket.destroySoon();
}

/** What is no HTTP at all is answered as briefly as it deserves. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
  );
}
