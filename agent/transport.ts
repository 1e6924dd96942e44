/**
 * Port 8301: UDP for packets and TCP for streams, on the same address and port. No decisions here except how much a
 * stranger may cost us: connections, bytes a socket may hold back, and the time a stream may take.
 */
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatAddress } from '../proto/address.ts';
import type { Endpoint } from '../proto/ports.ts';
import { plainHost } from './gossip/addresses.ts';
import type { StreamFailure, StreamReader, Streams } from './gossip/streams.ts';
import { reachableFrom, udpSocketFor } from './udp.ts';

/** What memberlist asks the system for, so that a burst of packets finds room. */
const receiveBufferBytes = 2 * 1024 * 1024;
/** Streams that others may hold open towards us; further ones are closed at once. */
const streamsServedMax = 256;
/** Streams of our own under way; further ones fail. */
const streamsAskedMax = 256;
/** Ports tried when the system chooses and UDP finds the one that TCP got in use. */
const portTriesMax = 20;

export interface TransportOptions {
  /** Port 0 lets the system choose. */
  readonly bind: Endpoint;
  /** Time for connecting and for all that is said, in milliseconds. */
  readonly streamTimeoutMs: number;
  readonly onPacket: (from: Endpoint, packet: Uint8Array) => void;
  readonly onStream: (from: Endpoint) => StreamReader;
}

/** The address cannot be listened on. `code` is Node's: EADDRINUSE, EADDRNOTAVAIL, EACCES … */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(code: string, address: string, what: 'UDP' | 'TCP') {
    super(`cannot listen for gossip on ${address} (${what}): ${reasons[code] ?? code}`);
    this.code = code;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program; stop it or choose another port',
  EADDRNOTAVAIL: 'this host does not have that address; bind to one of its own',
  EACCES: 'not allowed; ports below 1024 need privileges',
  EINVAL:
    'this is no address to listen on; an IPv6 link-local address needs its interface, as in fe80::1%eth0',
};

export interface TransportCounters {
  packetsUnsendable: number;
  streamsServed: number;
  streamsTooMany: number;
  streamsTimedOut: number;
}

export class Transport implements Streams {
  /** Where we really listen. */
  readonly local: Endpoint;
  readonly counters: TransportCounters = {
    packetsUnsendable: 0,
    streamsServed: 0,
    streamsTooMany: 0,
    streamsTimedOut: 0,
  };
  readonly #options: TransportOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #open = new Set<Socket>();
  #asked = 0;
  #closed = false;

  private constructor(options: TransportOptions, local: Endpoint, udp: UdpSocket, tcp: Server) {
    this.#options = options;
    this.local = local;
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (packet, from) => options.onPacket(endpointOf(from), packet));
    // Errors of single packets (an ICMP answer to an earlier one) are weather.
    udp.on('error', () => this.#countUnsendable());
    tcp.on('connection', (socket) => this.#serve(socket));
    tcp.maxConnections = streamsServedMax;
    tcp.on('drop', () => {
      this.counters.streamsTooMany += 1;
    });
    // For instance no file descriptor left for one more connection.
    tcp.on('error', () => {
      this.counters.streamsTooMany += 1;
    });
  }

  /** Rejects with a `ListenError`. */
  static async open(options: TransportOptions): Promise<Transport> {
    const { bind } = options;
    for (let tries = 1; ; tries++) {
      const tcp = await listen(bind);
      const local = { host: bind.host, port: portOf(tcp) };
      try {
        return new Transport(options, local, await bindUdp(local), tcp);
      } catch (error) {
        await new Promise((resolve) => tcp.close(resolve));
        const taken = error instanceof ListenError && error.code === 'EADDRINUSE';
        if (!taken || bind.port !== 0 || tries === portTriesMax) throw error;
      }
    }
  }

  readonly send = (to: Endpoint, packet: Uint8Array): void => {
    const host = reachableFrom(this.local.host, to.host);
    if (this.#closed || host === undefined) {
      this.#countUnsendable();
      return;
    }
    this.#udp.send(packet, to.port, host, (error) => {
      if (error !== null) this.#countUnsendable();
    });
  };

  exchange(to: Endpoint, request: Uint8Array, timeoutMs: number, reader: StreamReader | null): void {
    let over = this.#closed || this.#asked >= streamsAskedMax;
    if (over) {
      setImmediate(() => reader?.fail('error'));
      return;
    }
    this.#asked += 1;
    const socket = connect({ host: to.host, port: to.port });
    this.#open.add(socket);
    const finish = (failure: StreamFailure | null) => {
      if (over) return;
      over = true;
      this.#asked -= 1;
      clearTimeout(limit);
      socket.destroy();
      if (failure !== null) reader?.fail(failure);
    };
    const limit = setTimeout(() => finish('timeout'), timeoutMs);
    socket.on('connect', () => {
      if (reader === null) {
        socket.end(request, () => finish(null));
        return;
      }
      reader.open?.();
      socket.write(request);
    });
    socket.on('data', (bytes) => {
      if (!over && reader?.receive(bytes).done) finish(null);
    });
    socket.on('error', (error) => finish(failureOf(error)));
    socket.on('close', () => {
      this.#open.delete(socket);
      finish('closed');
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = Promise.all([
      new Promise<void>((resolve) => this.#udp.close(() => resolve())),
      new Promise<void>((resolve) => this.#tcp.close(() => resolve())),
    ]);
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.counters.streamsServed += 1;
    this.#open.add(socket);
    const from = { host: plainHost(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    const reader = this.#options.onStream(from);
    let over = false;
    const fail = (reason: StreamFailure) => {
      if (!over) reader.fail(reason);
      over = true;
    };
    // One limit for all of it: a peer that sends a byte a second is as slow as one that sends none.
    let limit = setTimeout(() => {
      this.counters.streamsTimedOut += 1;
      fail('timeout');
      socket.destroy();
    }, this.#options.streamTimeoutMs);
    socket.on('data', (bytes) => {
      if (over) return;
      const step = reader.receive(bytes);
      if (!step.done) return;
      over = true;
      clearTimeout(limit);
      limit = setTimeout(() => socket.destroy(), this.#options.streamTimeoutMs);
      if (step.reply === null) socket.end();
      else socket.end(step.reply);
    });
    socket.on('end', () => {
      fail('closed');
      socket.end();
    });
    socket.on('error', () => fail('error'));
    socket.on('close', () => {
      clearTimeout(limit);
      this.#open.delete(socket);
      fail('closed');
    });
  }

  #countUnsendable(): void {
    this.counters.packetsUnsendable += 1;
  }
}

async function listen(bind: Endpoint): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, bind, 'TCP')));
    server.listen({ host: bind.host, port: bind.port, exclusive: true }, resolve);
  });
  server.removeAllListeners('error');
  return server;
}

async function bindUdp(local: Endpoint): Promise<UdpSocket> {
  const socket = udpSocketFor(local.host);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(listenError(error, local, 'UDP')));
    socket.bind({ address: local.host, port: local.port, exclusive: true }, resolve);
  });
  socket.removeAllListeners('error');
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // The system grants less; packets that find no room are lost like any others.
  }
  return socket;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function endpointOf(from: RemoteInfo): Endpoint {
  return { host: plainHost(from.address), port: from.port };
}

function listenError(error: Error, at: Endpoint, what: 'UDP' | 'TCP'): ListenError {
  return new ListenError((error as NodeJS.ErrnoException).code ?? error.message, formatAddress(at), what);
}

function failureOf(error: Error): StreamFailure {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'unreachable';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNRESET':
      return 'closed';
    default:
      return 'error';
  }
}
