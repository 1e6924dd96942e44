/**
 * The answering side of 8300: accepts streams, shakes hands and keeps the connections. Whoever is refused is counted by
 * the reason and named once; nobody without a finished handshake costs more than a little memory for a few seconds.
 */
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { ByteStream, StreamServer } from './byte-stream.ts';
import type { RpcHost } from './client.ts';
import { RpcConnection } from './connection.ts';
import { shakeHands, turnAway } from './handshake.ts';
import { Refusal, type RefusalReason, refusalReasons } from './refusal.ts';

/** Every agent of a large cluster keeps one connection. */
export const connectionsMax = 16_384;
/** Strangers whose handshake is under way; a restart of a server brings all agents at once. */
export const handshakesMax = 1_024;

export interface RefusalNote {
  readonly remote: Endpoint;
  readonly reason: RefusalReason;
  /** One sentence for people. */
  readonly detail: string;
}

export interface ListenerOptions {
  readonly at: Endpoint;
  readonly onConnection?: (connection: RpcConnection) => void;
  readonly onRefused?: (note: RefusalNote) => void;
}

export class RpcListener {
  readonly #host: RpcHost;
  readonly #options: ListenerOptions;
  readonly #connections = new Set<RpcConnection>();
  readonly #handshakes = new Set<ByteStream>();
  readonly #refused = new Map<RefusalReason, number>(refusalReasons.map((reason) => [reason, 0]));
  #accepted = 0;
  #server: StreamServer | undefined;
  #stopping = false;

  constructor(host: RpcHost, options: ListenerOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Answers where it listens. Rejects with a Node-like error (`EADDRINUSE` …). */
  async start(): Promise<Endpoint> {
    this.#server = await this.#host.network.listen(
      this.#options.at,
      (stream) => void this.#accept(stream),
      (remote, refusal) => this.#note(remote, refusal),
    );
    return this.#server.address;
  }

  /** Connections whose handshake is through. */
  get connections(): ReadonlySet<RpcConnection> {
    return this.#connections;
  }

  /** Our own cluster id has become known. */
  announceCluster(clusterId: string): void {
    for (const connection of this.#connections) connection.announceCluster(clusterId);
  }

  /** `accepted`, `connections`, and `refused_<reason>` for each reason. */
  stats(): Readonly<Record<string, number>> {
    return {
      accepted: this.#accepted,
      connections: this.#connections.size,
      ...Object.fromEntries([...this.#refused].map(([reason, count]) => [`refused_${reason}`, count])),
    };
  }

  /** Says goodbye to everybody; what is under way may finish for `drainMs`. */
  async stop(drainMs = 0): Promise<void> {
    this.#stopping = true;
    const closed = this.#server?.close();
    for (const stream of this.#handshakes) stream.destroy();
    await Promise.all([...this.#connections].map((connection) => connection.close(drainMs)));
    await closed;
  }

  async #accept(stream: ByteStream): Promise<void> {
    const full =
      this.#handshakes.size >= handshakesMax ||
      this.#connections.size + this.#handshakes.size >= connectionsMax;
    if (full) {
      this.#refuse(stream);
      return;
    }
    this.#handshakes.add(stream);
    try {
      const shaken = await shakeHands(stream, 'listener', this.#host);
      const connection = new RpcConnection(stream, 'listener', shaken, this.#host);
      this.#keep(connection);
    } catch (error) {
      this.#note(stream.remote, error);
    } finally {
      this.#handshakes.delete(stream);
    }
  }

  #refuse(stream: ByteStream): void {
    const refusal = new Refusal('too_many', 'BUSY', 'too many connections');
    stream.receive({ onData: () => {}, onDrain: () => {}, onClose: () => {} });
    turnAway(stream, refusal);
    this.#note(stream.remote, refusal);
  }

  #keep(connection: RpcConnection): void {
    this.#accepted += 1;
    this.#connections.add(connection);
    void connection.closed.then((reason) => {
      this.#connections.delete(connection);
      if (reason instanceof Refusal) this.#note(connection.remote, reason);
    });
    if (this.#stopping) void connection.close();
    else this.#options.onConnection?.(connection);
  }

  #note(remote: Endpoint, error: unknown): void {
    if (!(error instanceof ExpectedError)) throw error;
    if (this.#stopping) return;
    const reason = error instanceof Refusal ? error.reason : 'protocol';
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#options.onRefused?.({ remote, reason, detail: error.message });
  }
}
