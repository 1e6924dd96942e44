/** Byte streams over TCP: the only place in RPC that opens a socket. */
import net from 'node:net';
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { ByteStream, ByteStreamEvents, StreamNetwork, StreamServer } from './byte-stream.ts';

/** After our end was sent, the other side has this long to send its own. */
const lingerMs = 1_000;

export const tcp: StreamNetwork = {
  dial(to, signal) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: to.host, port: to.port, noDelay: true });
      const giveUp = () => socket.destroy(new Error('given up'));
      const onFailure = (error: Error) => {
        signal?.removeEventListener('abort', giveUp);
        const where = `${to.host}:${to.port}`;
        reject(
          new ExpectedError('CONNECTION_LOST', `rpc error: dial tcp ${where}: ${error.message}`, {
            cause: error,
          }),
        );
      };
      socket.once('error', onFailure);
      socket.once('connect', () => {
        socket.off('error', onFailure);
        signal?.removeEventListener('abort', giveUp);
        resolve(new SocketStream(socket));
      });
      if (signal?.aborted) giveUp();
      else signal?.addEventListener('abort', giveUp, { once: true });
    });
  },

  listen(at, onStream) {
    return new Promise((resolve, reject) => {
      const server = net.createServer({ noDelay: true }, (socket) => onStream(new SocketStream(socket)));
      server.once('error', reject);
      server.listen({ host: at.host, port: at.port }, () => {
        server.off('error', reject);
        resolve(tcpServer(server));
      });
    });
  },
};

function tcpServer(server: net.Server): StreamServer {
  const { address, port } = server.address() as net.AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        // Resolves when the last accepted socket is gone; those are the owner's to end.
        server.close(() => resolve());
      }),
  };
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
