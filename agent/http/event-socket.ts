/**
 * `/v1/events/stream` as a WebSocket: the same request, one record of JSON a message, and as little memory for a slow
 * listener as anywhere else.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { EventHub } from './event-hub.ts';
import { EventListener, type ListenerStart } from './event-listener.ts';
import { eventRequest } from './event-request.ts';
import { MessageSink } from './event-sinks.ts';
import { beginListening } from './event-stream.ts';

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
export function mountEventSocket(server: Server, context: HttpContext, hub: EventHub): () => void {
  const open = new Set<AbortController>();
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    const abort = new AbortController();
    open.add(abort);
    socket.once('close', () => {
      open.delete(abort);
      abort.abort();
    });
    socket.on('error', () => {});
    serve({ request, socket, head }, context, hub, abort.signal).catch((error: unknown) => {
      socket.destroy();
      context.onBug(error, path);
    });
  });
  return () => {
    for (const abort of open) abort.abort();
  };
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function serve(
  { request, socket, head }: Upgrade,
  context: HttpContext,
  hub: EventHub,
  signal: AbortSignal,
): Promise<void> {
  let start: ListenerStart;
  try {
    start = await begin(request, context, signal);
  } catch (error) {
    if (!isExpected(error)) throw error;
    refuse(socket, error);
    return;
  }
  upgrader ??= loadUpgrader();
  const server = await upgrader;
  const client = await new Promise<WebSocket>((resolve) => {
    server.handleUpgrade(request, socket, head, resolve);
  });
  client.on('error', () => client.terminate());
  client.on('message', () => client.close(1008, 'a listener only listens'));
  await new EventListener(context, hub, new MessageSink(client), start, signal).run();
}

function begin(request: IncomingMessage, context: HttpContext, signal: AbortSignal): Promise<ListenerStart> {
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
  return beginListening(eventRequest(call), context, signal);
}

/** Browsers let any page open a WebSocket to anywhere, and would read the events of a local agent to a stranger's page. */
function refuseOtherSites({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ExpectedError('BAD_REQUEST', 'pages of other sites may not listen here', { status: 403 });
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
