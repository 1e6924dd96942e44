/**
 * The way to one other server: one connection, kept up as long as its address is known.
 *
 *     idle ──address──▶ dialing ──▶ connected ──lost──▶ waiting ──▶ dialing …
 *
 * Both servers of a pair dial. When two connections meet, both sides keep the one that the server with the lower id
 * dialed, so they agree without a word; one from an earlier life of the peer never wins.
 */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type { Endpoint, Timer } from '../../proto/ports.ts';
import type { RaftMessage, ServerId } from '../../proto/raft.ts';
import type { Rpc } from '../../proto/rpc.ts';
import { connectRpc, type RpcHost } from './client.ts';
import type { RpcConnection } from './connection.ts';

/** First and longest wait between two attempts to dial. */
const redialMsMin = 50;
const redialMsMax = 1_000;
/** Batches that wait for a dial under way; the oldest go, since Raft says everything again. */
const batchesWaitingMax = 64;
/** Beyond this the peer is too slow for more, and Raft's messages are dropped rather than piled up. */
const linkBytesMax = 16 * 1024 * 1024;

/** A connection that lost against a better one still finishes what is under way. */
const drainMs = 2_000;

export class PeerLink {
  readonly #id: ServerId;
  readonly #host: RpcHost;
  #address: Endpoint | undefined;
  #connection: RpcConnection | undefined;
  #dialing: Promise<RpcConnection> | undefined;
  #redial: Timer | undefined;
  #failures = 0;
  #batches: Array<readonly RaftMessage[]> = [];
  #dropped = 0;
  #stopped = false;
  /** What the last dial failed of, for people. */
  #why = '';
  readonly #abort = new AbortController();

  constructor(id: ServerId, host: RpcHost) {
    this.#id = id;
    this.#host = host;
  }

  get connected(): boolean {
    return this.#connection?.usable === true;
  }

  /** Messages that were dropped because the peer was away or too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  setAddress(address: Endpoint): void {
    const same = this.#address?.host === address.host && this.#address.port === address.port;
    if (same) return;
    this.#address = address;
    this.#failures = 0;
    this.#redial?.cancel();
    this.#redial = undefined;
    this.#dial();
  }

  send(messages: readonly RaftMessage[]): void {
    const connection = this.#connection;
    if (connection?.usable && connection.waitingBytes < linkBytesMax) {
      connection.notify('raft.messages', { messages });
    } else if (this.#dialing !== undefined) {
      this.#batches.push(messages);
      if (this.#batches.length > batchesWaitingMax) this.#drop(this.#batches.splice(0, 1));
    } else {
      this.#drop([messages]);
    }
  }

  /** The connection, now or as soon as the dial under way has ended. */
  async connection(): Promise<RpcConnection> {
    if (!this.connected) await this.#dialing?.catch(() => {});
    if (this.#connection?.usable) return this.#connection;
    throw new ExpectedError('CONNECTION_LOST', `rpc error: no connection to server ${this.#id}${this.#why}`);
  }

  /** A connection that the peer dialed, or our own after its dial. */
  adopt(connection: RpcConnection): void {
    if (this.#stopped || !connection.usable || !this.#wins(connection)) {
      void connection.close(drainMs);
      return;
    }
    const former = this.#connection;
    this.#connection = connection;
    this.#failures = 0;
    connection.onLeaving(() => this.#onLeaving(connection));
    if (former !== undefined) void former.close(drainMs);
    for (const messages of this.#batches.splice(0)) this.send(messages);
  }

  announceCluster(clusterId: string): void {
    this.#connection?.announceCluster(clusterId);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort.abort();
    this.#redial?.cancel();
    await this.#connection?.close();
  }

  #wins(candidate: RpcConnection): boolean {
    const present = this.#connection;
    if (present === undefined || !present.usable) return true;
    if (present.peerInstance !== candidate.peerInstance) return true;
    return this.#rank(candidate) >= this.#rank(present);
  }

  #rank(connection: RpcConnection): number {
    const dialer = connection.dialed ? this.#host.identity().nodeId : this.#id;
    const other = connection.dialed ? this.#id : this.#host.identity().nodeId;
    return dialer < other ? 1 : 0;
  }

  #onLeaving(connection: RpcConnection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#dialLater();
  }

  #dial(): void {
    const address = this.#address;
    if (address === undefined || this.#stopped || this.connected || this.#dialing !== undefined) return;
    this.#dialing = this.#connectTo(address);
    this.#dialing.then(
      (connection) => {
        this.#dialing = undefined;
        this.adopt(connection);
      },
      (error: unknown) => {
        this.#dialing = undefined;
        this.#drop(this.#batches.splice(0));
        if (!isExpected(error)) throw error;
        this.#why = `: ${error.message}`;
        if (!this.connected) this.#dialLater();
      },
    );
  }

  async #connectTo(address: Endpoint): Promise<RpcConnection> {
    const connection = await connectRpc(address, this.#host, { signal: this.#abort.signal });
    if (connection.peer.nodeId === this.#id) return connection;
    void connection.close();
    throw new ExpectedError(
      'CONNECTION_LOST',
      `rpc error: ${address.host}:${address.port} is server ${connection.peer.nodeId}, not ${this.#id}`,
    );
  }

  #dialLater(): void {
    if (this.#stopped) return;
    const waitMs =
      Math.min(redialMsMax, redialMsMin * 2 ** this.#failures) * (0.5 + this.#host.random.unit());
    this.#failures += 1;
    this.#redial?.cancel();
    this.#redial = this.#host.clock.after(waitMs, () => this.#dial());
  }

  #drop(batches: ReadonlyArray<readonly RaftMessage[]>): void {
    for (const messages of batches) this.#dropped += messages.length;
  }
}

/** Calls to one server over whatever connection there is at the moment. */
export function rpcOver(link: PeerLink): Rpc {
  return {
    async call(method, params, options) {
      const connection = await link.connection();
      return connection.call(method, params, options);
    },
    async *stream(method, params, options) {
      const connection = await link.connection();
      yield* connection.stream(method, params, options);
    },
    notify(method, params) {
      link.connection().then(
        (connection) => connection.notify(method, params),
        () => {},
      );
    },
  };
}
