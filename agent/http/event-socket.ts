/**
 * `/v1/events/stream` as a WebSocket: the same request, one record of JSON a message. Each batch is handed over only when
 * the socket has taken the one before, so a slow listener costs no memory here either.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';
import { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { eventRequest } from './event-request.ts';
import { type OpenFeed, openFeed } from './event-stream.ts';
import { jsonOf } from './event-text.ts';

const path = '/v1/events/stream';
/** A listener has nothing to say; whoever sends more than this is no listener. */
const incomingBytesMax = 1_024;

let upgrader: Promise<WebSocketServer> | undefined;

/** Loaded when the first listener of this kind comes: most agents never see one. */
async function loadUpgrader(): Promise<WebSocketServer> {
  const ws = await import('ws');
  return new ws.WebSocketServer({ noServer: true, maxPayload: incomingBytesMax });
}

/** Takes over upgrades; answers the function that ends all listening. */
export function mountEventSocket(server: Server, context: HttpContext): () => void {
  const open = new Set<AbortController>();
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    const abort = new AbortController();
    open.add(abort);
    socket.once('close', () => {
      open.delete(abort);
      abort.abort();
    });
    socket.on('error', () => {});
    serve(request, socket, head, context, abort.signal).catch((error: unknown) => {
      socket.destroy();
      context.onBug(error, path);
    });
  });
  return () => {
    for (const abort of open) abort.abort();
  };
}

async function serve(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  context: HttpContext,
  signal: AbortSignal,
): Promise<void> {
  let feed: OpenFeed;
  try {
    feed = await begin(request, context, signal);
  } catch (error) {
    if (!isExpected(error)) throw error;
    refuse(socket, error);
    return;
  }
  upgrader ??= loadUpgrader();
  (await upgrader).handleUpgrade(request, socket, head, (client) => void pump(client, feed, context));
}

function begin(request: IncomingMessage, context: HttpContext, signal: AbortSignal): Promise<OpenFeed> {
  const [asked = '', search = ''] = (request.url ?? '').split('?', 2);
  if (asked !== path) throw new ExpectedError('NOT_FOUND', `no WebSocket at ${asked.slice(0, 100)}`);
  refuseOtherSites(request);
  const call = new Call({
    param: '',
    query: new URLSearchParams(search),
    headers: request.headers,
    body: Buffer.alloc(0),
    makeSignal: () => signal,
  });
  return openFeed(eventRequest(call), context, signal);
}

/** Browsers let any page open a WebSocket to anywhere, and would read the events of a local agent to a stranger's page. */
function refuseOtherSites({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ExpectedError('BAD_REQUEST', 'pages of other sites may not listen here', { status: 403 });
}

async function pump(client: WebSocket, feed: OpenFeed, context: HttpContext): Promise<void> {
  client.on('error', () => client.terminate());
  client.on('message', () => client.close(1008, 'a listener only listens'));
  try {
    for await (const batch of feed.batches) {
      if (client.readyState !== client.OPEN) return;
      await sendAll(client, batch);
    }
    client.close(1000);
  } catch (error) {
    client.terminate();
    if (!isHangUp(error)) context.onBug(error, path);
  }
}

/** Resolves when the last message has left. */
function sendAll(client: WebSocket, batch: readonly StreamRecord[]): Promise<void> {
  return new Promise((resolve, reject) => {
    batch.forEach((record, index) => {
      const isLast = index === batch.length - 1;
      client.send(jsonOf(record), isLast ? (error) => (error ? reject(error) : resolve()) : undefined);
    });
  });
}

/** The socket went away while something was on its way: the listener's right. */
function isHangUp(error: unknown): boolean {
  return error instanceof Error && ('code' in error || /not open/i.test(error.message));
}

function refuse(socket: Duplex, error: ExpectedError): void {
  const body = Buffer.from(error.message);
  const head = [
    `HTTP/1.1 ${error.status} ${error.code}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}
