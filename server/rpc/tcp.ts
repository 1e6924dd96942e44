/** Byte streams over TCP: the only place in RPC that opens a socket. */
import net from 'node:net';
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { ByteStream, ByteStreamEvents, StreamNetwork, StreamServer } from './byte-stream.ts';

/** After our end was sent, the other side has this long to send its own. */
const lingerMs = 1_000;

export const tcp: StreamNetwork = {
  async dial(to, signal) {
    return new SocketStream(await dialTcp(to, signal));
  },
  listen(at, onStream) {
    return listenTcp(at, (socket) => onStream(new SocketStream(socket)));
  },
};

/** Rejects with CONNECTION_LOST and what the system said. */
export function dialTcp(to: Endpoint, signal?: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: to.host, port: to.port, noDelay: true });
    const giveUp = () => socket.destroy(new Error('given up'));
    const onFailure = (error: Error) => {
      signal?.removeEventListener('abort', giveUp);
      const message = `rpc error: dial tcp ${to.host}:${to.port}: ${error.message}`;
      reject(new ExpectedError('CONNECTION_LOST', message, { cause: error }));
    };
    socket.once('error', onFailure);
    socket.once('connect', () => {
      socket.off('error', onFailure);
      signal?.removeEventListener('abort', giveUp);
      resolve(socket);
    });
    if (signal?.aborted) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
  });
}

export function listenTcp(at: Endpoint, onSocket: (socket: net.Socket) => void): Promise<StreamServer> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ noDelay: true }, onSocket);
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', reject);
      const { address, port } = server.address() as net.AddressInfo;
      resolve({
        address: { host: address, port },
        // Resolves when the last accepted socket is gone; those are the owner's to end.
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}

/** A connected socket as a byte stream. Events that came before somebody received them are kept. */
export class SocketStream implements ByteStream {
  readonly remote: Endpoint;
  readonly #socket: net.Socket;
  #events: ByteStreamEvents | undefined;
  #closed: { readonly error: Error | undefined } | undefined;
  #error: Error | undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#events?.onData(chunk));
    socket.on('drain', () => this.#events?.onDrain());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#closed = { error: this.#error };
      this.#events?.onClose(this.#error);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  receive(events: ByteStreamEvents): void {
    this.#events = events;
    this.#socket.resume();
    const closed = this.#closed;
    if (closed !== undefined) queueMicrotask(() => events.onClose(closed.error));
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
