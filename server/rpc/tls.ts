/**
 * RPC over TLS, with certificates of both sides. It stands between RPC and TCP as another `StreamNetwork`, so nothing
 * above it knows. The first byte tells TLS from plain RPC; while `verifyIncoming` is off both are taken, which is
 * how a cluster is moved to TLS one agent at a time. Certificates are asked for anew for each connection: a reload
 * counts for new connections and drops none.
 */
import type net from 'node:net';
import tls from 'node:tls';
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { ByteStream, OnRefused, StreamNetwork } from './byte-stream.ts';
import { Refusal } from './refusal.ts';
import { dialTcp, listenTcp, SocketStream } from './tcp.ts';

/** First byte of a TLS handshake record; our own magic begins with `R`. */
const tlsHandshakeByte = 0x16;
const minVersion = 'TLSv1.2';
/** Until a caller's first byte, and until TLS is agreed upon. */
const handshakeTimeoutMs = 5_000;

/** PEM texts and rules; a new object after each reload. */
export interface TlsMaterial {
  readonly ca: string;
  /** Ours; '' for an agent that has none, where servers do not verify what comes in. */
  readonly cert: string;
  readonly key: string;
  /** Callers must show a certificate of our authority, and plain RPC is refused. */
  readonly verifyIncoming: boolean;
  /** Dial with TLS and verify the server's certificate. */
  readonly verifyOutgoing: boolean;
  /** The server's certificate must be for `serverName`, so that no plain agent's certificate passes for a server's. */
  readonly verifyServerHostname: boolean;
  /** See `serverNameOf`. */
  readonly serverName: string;
}

/** The name that a server's certificate must be good for. */
export function serverNameOf(datacenter: string): string {
  return `server.${datacenter}.rollcall`;
}

/** Null: plain TCP both ways. */
export function tlsNetwork(material: () => TlsMaterial | null): StreamNetwork {
  return {
    async dial(to, signal) {
      const rules = material();
      const socket = await dialTcp(to, signal);
      if (rules === null || !rules.verifyOutgoing) return new SocketStream(socket);
      return new SocketStream(await secure(socket, to, rules, signal));
    },
    listen(at, onStream, onRefused = () => {}) {
      const door = new TlsDoor(onStream, onRefused);
      return listenTcp(at, (socket) => {
        const rules = material();
        if (rules === null) onStream(new SocketStream(socket));
        else door.admit(socket, rules);
      });
    },
  };
}

function secure(
  socket: net.Socket,
  to: Endpoint,
  rules: TlsMaterial,
  signal: AbortSignal | undefined,
): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({
      socket,
      ca: rules.ca,
      ...(rules.cert === '' ? {} : { cert: rules.cert, key: rules.key }),
      servername: rules.serverName,
      minVersion,
      // Without the rule any certificate of our authority will do: addresses are what changes most in a cluster.
      checkServerIdentity: rules.verifyServerHostname ? tls.checkServerIdentity : () => undefined,
    });
    const giveUp = () => secured.destroy(new Error('given up'));
    signal?.addEventListener('abort', giveUp, { once: true });
    const onFailure = (error: Error) => {
      signal?.removeEventListener('abort', giveUp);
      const message = `rpc error: TLS with ${to.host}:${to.port}: ${error.message}`;
      reject(new ExpectedError('CONNECTION_LOST', message, { cause: error }));
    };
    secured.once('error', onFailure);
    secured.once('secureConnect', () => {
      secured.off('error', onFailure);
      signal?.removeEventListener('abort', giveUp);
      resolve(secured);
    });
  });
}

/** Looks at the first byte of each caller. */
class TlsDoor {
  readonly #onStream: (stream: ByteStream) => void;
  readonly #onRefused: OnRefused;
  /** A TLS server that listens nowhere, for the rules that it was made with. */
  #tls: { readonly rules: TlsMaterial; readonly server: tls.Server } | undefined;

  constructor(onStream: (stream: ByteStream) => void, onRefused: OnRefused) {
    this.#onStream = onStream;
    this.#onRefused = onRefused;
  }

  admit(socket: net.Socket, rules: TlsMaterial): void {
    const remote = remoteOf(socket);
    const refuse = (refusal: Refusal) => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      this.#onRefused(remote, refusal);
    };
    socket.setTimeout(handshakeTimeoutMs, () => {
      refuse(new Refusal('silent', 'TIMEOUT', `no first byte within ${handshakeTimeoutMs / 1000} s`));
    });
    socket.on('error', () => {});
    socket.once('close', () =>
      refuse(new Refusal('half', 'CONNECTION_LOST', 'closed before the first byte')),
    );
    socket.once('data', (chunk) => {
      socket.setTimeout(0);
      socket.removeAllListeners();
      socket.pause();
      socket.unshift(chunk);
      if (chunk[0] === tlsHandshakeByte) this.#serverFor(rules).emit('connection', socket);
      else if (!rules.verifyIncoming) this.#onStream(new SocketStream(socket));
      else refuse(new Refusal('tls', 'PROTOCOL', 'plain RPC where TLS is asked for'));
    });
  }

  #serverFor(rules: TlsMaterial): tls.Server {
    if (this.#tls?.rules === rules) return this.#tls.server;
    const server = tls.createServer({
      ca: rules.ca,
      cert: rules.cert,
      key: rules.key,
      minVersion,
      requestCert: true,
      rejectUnauthorized: rules.verifyIncoming,
      handshakeTimeout: handshakeTimeoutMs,
    });
    server.on('secureConnection', (secured) => this.#onStream(new SocketStream(secured)));
    server.on('tlsClientError', (error, secured) => {
      this.#onRefused(remoteOf(secured), new Refusal('tls', 'PROTOCOL', `TLS: ${error.message}`));
    });
    this.#tls = { rules, server };
    return server;
  }
}

function remoteOf(socket: net.Socket): Endpoint {
  return { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
}
