/**
 * One server at a time: an agent picks one at random, keeps a single connection to it and stays until it fails, leaves
 * or has no leader to follow; then it goes on to the next. Gossip says which servers there are, and before gossip
 * has anything to say, the last known ones from disk are tried.
 */
import { ExpectedError, isExpected } from '../proto/errors.ts';
import type { Clock, Endpoint, Random, Timer } from '../proto/ports.ts';
import type {
  CallMethod,
  NoticeMethod,
  Rpc,
  RpcCalls,
  RpcNotices,
  RpcStreams,
  StreamMethod,
} from '../proto/rpc.ts';
import type { RpcConnection } from '../server/rpc/client.ts';

/** First and longest wait between two rounds over all servers while none of them answers. */
const retryMsMin = 250;
const retryMsMax = 10_000;
/** A round that failed answers for this long: callers hear NO_SERVERS at once instead of waiting for dead hosts. */
const failedRoundMs = 1_000;
/** A server without a leader is left for another one, but not more often than this. */
const rotateMs = 2_000;

export interface KnownServer {
  /** '' when only the address is known. */
  readonly nodeId: string;
  readonly name: string;
  /** RPC address. */
  readonly address: Endpoint;
}

/** What the pool needs of a connection; the simulator may hand in one without frames. */
export type ServerConnection = Rpc & Pick<RpcConnection, 'usable' | 'peer' | 'onLeaving' | 'close'>;

export interface ServerPoolPorts {
  readonly clock: Clock;
  readonly random: Random;
  connect(address: Endpoint, signal: AbortSignal): Promise<ServerConnection>;
  /** Servers that gossip believes alive. */
  servers(): readonly KnownServer[];
  /** Last known servers from disk, tried while gossip knows none. */
  readonly remembered: readonly KnownServer[];
}

export interface PoolStatus {
  readonly known: readonly KnownServer[];
  readonly used: KnownServer | null;
  /** Unix milliseconds since when no server has answered; null while one does. */
  readonly silentSinceMs: number | null;
  /** Why the last attempt failed, for people; '' when none did. */
  readonly lastFailure: string;
}

interface Used {
  readonly server: KnownServer;
  readonly connection: ServerConnection;
  /** Gossip has named it: when it does so no more, the server is gone. */
  named: boolean;
}

export class ServerPool implements Rpc {
  readonly #ports: ServerPoolPorts;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<() => void>();
  #used: Used | undefined;
  #round: Promise<ServerConnection> | undefined;
  #retry: Timer | undefined;
  #failedRounds = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #rotatedAtMs = Number.NEGATIVE_INFINITY;
  #silentSinceMs: number | null;
  #lastFailure = '';
  #lostId = '';

  constructor(ports: ServerPoolPorts) {
    this.#ports = ports;
    this.#silentSinceMs = ports.clock.wallMs();
  }

  /** Looks for a server, and from now on for another one whenever the one in use is lost. */
  start(): void {
    this.#seek();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#retry?.cancel();
    const used = this.#used;
    this.#used = undefined;
    await used?.connection.close();
  }

  /** Runs after each connection to a server; returns the function that ends the subscription. */
  onConnected(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gossip has news about servers. */
  serversChanged(): void {
    const used = this.#used;
    const servers = this.#ports.servers();
    if (used !== undefined) {
      const named = servers.some(({ nodeId }) => nodeId === used.connection.peer.nodeId);
      if (used.named && !named) this.#leave(used);
      used.named ||= named;
    }
    if (this.#used === undefined && servers.length > 0) {
      this.#failedRounds = 0;
      this.#failedAtMs = Number.NEGATIVE_INFINITY;
      this.#seek();
    }
  }

  status(): PoolStatus {
    return {
      known: this.#candidates(),
      used: this.#used?.server ?? null,
      silentSinceMs: this.#silentSinceMs,
      lastFailure: this.#lastFailure,
    };
  }

  async call<M extends CallMethod>(
    method: M,
    params: RpcCalls[M]['params'],
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<RpcCalls[M]['answer']> {
    const connection = await this.#acquire();
    try {
      return await connection.call(method, params, options);
    } catch (error) {
      if (!this.#movesOn(error, connection) || !isRepeatable(method, params)) throw error;
      const next = await this.#acquire();
      if (next === connection) throw error;
      return next.call(method, params, options);
    }
  }

  async *stream<M extends StreamMethod>(
    method: M,
    params: RpcStreams[M]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<RpcStreams[M]['item'], void, undefined> {
    const connection = await this.#acquire();
    try {
      yield* connection.stream(method, params, options);
    } catch (error) {
      this.#movesOn(error, connection);
      throw error;
    }
  }

  notify<M extends NoticeMethod>(method: M, params: RpcNotices[M]): void {
    this.#used?.connection.notify(method, params);
  }

  /** True when the failure says that another server may do better; the next call goes to that one. */
  #movesOn(error: unknown, connection: ServerConnection): boolean {
    if (isExpected(error, 'CONNECTION_LOST') || isExpected(error, 'STOPPING'))
      return !this.#abort.signal.aborted;
    if (!isExpected(error, 'NO_LEADER') || this.#candidates().length < 2) return false;
    const nowMs = this.#ports.clock.nowMs();
    if (nowMs - this.#rotatedAtMs < rotateMs) return false;
    this.#rotatedAtMs = nowMs;
    const used = this.#used;
    if (used?.connection === connection) this.#leave(used);
    return true;
  }

  async #acquire(): Promise<ServerConnection> {
    if (this.#abort.signal.aborted) throw new ExpectedError('STOPPING');
    const used = this.#used;
    if (used?.connection.usable) return used.connection;
    const failedJustNow = this.#ports.clock.nowMs() - this.#failedAtMs < failedRoundMs;
    if (this.#round === undefined && failedJustNow) throw new ExpectedError('NO_SERVERS');
    return this.#tryAll();
  }

  #seek(): void {
    if (this.#abort.signal.aborted || this.#used !== undefined) return;
    this.#tryAll().catch((error: unknown) => {
      if (!isExpected(error)) throw error;
    });
  }

  /** One round over all candidates; whoever asks meanwhile waits for the same round. */
  #tryAll(): Promise<ServerConnection> {
    this.#round ??= this.#runRound().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #runRound(): Promise<ServerConnection> {
    this.#retry?.cancel();
    for (const server of this.#inRandomOrder()) {
      const connection = await this.#try(server);
      if (connection !== undefined) return this.#use(server, connection);
      if (this.#abort.signal.aborted) break;
    }
    this.#failedAtMs = this.#ports.clock.nowMs();
    this.#retryLater();
    throw new ExpectedError(this.#abort.signal.aborted ? 'STOPPING' : 'NO_SERVERS');
  }

  async #try(server: KnownServer): Promise<ServerConnection | undefined> {
    try {
      const connection = await this.#ports.connect(server.address, this.#abort.signal);
      const good = connection.usable && connection.peer.kind === 'server' && !this.#abort.signal.aborted;
      if (good) return connection;
      this.#lastFailure = `${server.address.host}:${server.address.port} has no use for us`;
      void connection.close();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#lastFailure = error.message;
    }
    return undefined;
  }

  #use(server: KnownServer, connection: ServerConnection): ServerConnection {
    const { nodeId, node } = connection.peer;
    const named = this.#ports.servers().some((known) => known.nodeId === nodeId);
    const used = { server: { nodeId, name: node, address: server.address }, connection, named };
    this.#used = used;
    this.#failedRounds = 0;
    this.#silentSinceMs = null;
    this.#lastFailure = '';
    connection.onLeaving(() => this.#lose(used));
    for (const listener of this.#listeners) listener();
    return connection;
  }

  /** We give it up. */
  #leave(used: Used): void {
    this.#lose(used);
    void used.connection.close();
  }

  /** It is gone. */
  #lose(used: Used): void {
    if (this.#used !== used) return;
    this.#used = undefined;
    this.#lostId = used.connection.peer.nodeId;
    this.#silentSinceMs = this.#ports.clock.wallMs();
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#abort.signal.aborted) return;
    const { clock, random } = this.#ports;
    const waitMs = Math.min(retryMsMax, retryMsMin * 2 ** this.#failedRounds) * (0.5 + random.unit() / 2);
    this.#failedRounds += 1;
    this.#retry?.cancel();
    this.#retry = clock.after(waitMs, () => this.#seek());
  }

  #candidates(): readonly KnownServer[] {
    const servers = this.#ports.servers();
    return servers.length > 0 ? servers : this.#ports.remembered;
  }

  /** The one that was lost last comes last. */
  #inRandomOrder(): readonly KnownServer[] {
    return this.#candidates()
      .map((server) => ({ server, key: server.nodeId === this.#lostId ? 1 : this.#ports.random.unit() }))
      .sort((one, other) => one.key - other.key)
      .map(({ server }) => server);
  }
}

/** Whether a call whose answer was lost may be made again elsewhere without a second effect. */
function isRepeatable<M extends CallMethod>(method: M, params: RpcCalls[M]['params']): boolean {
  if (method === 'catalog.write') return (params as RpcCalls['catalog.write']['params']).once !== null;
  return [
    'agent.output',
    'catalog.query',
    'status',
    'leader.time',
    'journal.deliver',
    'journal.digest',
    'journal.compare',
    'snapshot.restore',
  ].includes(method);
}
