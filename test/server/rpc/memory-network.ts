/** A network of byte streams in memory: ordered, instant, and as unkind as a test asks for. */
import { ExpectedError } from '../../../proto/errors.ts';
import type { Clock, Endpoint } from '../../../proto/ports.ts';
import type { RpcHandlers } from '../../../proto/rpc.ts';
import type { ByteStream, ByteStreamEvents, StreamNetwork } from '../../../server/rpc/byte-stream.ts';
import { type Handlers, makeRpcHost, type RpcHost, type RpcIdentity } from '../../../server/rpc/client.ts';
import { SeededRandom } from '../../sim/random.ts';

export class MemoryStream implements ByteStream {
  readonly remote: Endpoint;
  other!: MemoryStream;
  /** While set, this side does not take what the other one writes. */
  stalled = false;
  /** While set, what this side writes is lost without a word. */
  silent = false;
  /** Cuts every write into pieces of this many bytes. */
  pieceBytes = Number.POSITIVE_INFINITY;
  #events: ByteStreamEvents | undefined;
  #incoming: Uint8Array[] = [];
  #incomingBytes = 0;
  #over = false;
  #ended = false;

  constructor(remote: Endpoint) {
    this.remote = remote;
  }

  get bufferedBytes(): number {
    return this.other.stalled ? this.other.#incomingBytes : 0;
  }

  receive(events: ByteStreamEvents): void {
    this.#events = events;
    queueMicrotask(() => this.deliver());
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#over || this.silent) return;
    for (let at = 0; at < bytes.length; at += this.pieceBytes) {
      const piece = new Uint8Array(bytes.subarray(at, at + this.pieceBytes));
      this.other.#incoming.push(piece);
      this.other.#incomingBytes += piece.length;
    }
    queueMicrotask(() => this.other.deliver());
  }

  end(): void {
    this.#ended = true;
    queueMicrotask(() => this.other.deliver());
  }

  destroy(): void {
    this.#ended = true;
    this.#over = true;
    queueMicrotask(() => this.other.deliver());
  }

  /** Hands out what has come, then the end when there is one. */
  deliver(): void {
    if (this.stalled || this.#over || this.#events === undefined) return;
    let chunk = this.#incoming.shift();
    while (chunk !== undefined && !this.#over) {
      this.#incomingBytes -= chunk.length;
      this.#events.onData(chunk);
      chunk = this.#incoming.shift();
    }
    this.other.#events?.onDrain();
    if (this.other.#ended && !this.#over) {
      this.#over = true;
      this.#events.onClose();
      if (!this.#ended) this.end();
    }
  }
}

export function memoryPair(): [MemoryStream, MemoryStream] {
  const near = new MemoryStream({ host: '127.0.0.1', port: 50_000 });
  const far = new MemoryStream({ host: '127.0.0.2', port: 8300 });
  near.other = far;
  far.other = near;
  return [near, far];
}

/** Every dialed pair of streams, so that a test can cut and stall them. */
export class MemoryNetwork implements StreamNetwork {
  readonly pairs: Array<[dialer: MemoryStream, listener: MemoryStream]> = [];
  readonly #listeners = new Map<string, (stream: ByteStream) => void>();

  async dial(to: Endpoint): Promise<ByteStream> {
    const accept = this.#listeners.get(`${to.host}:${to.port}`);
    if (accept === undefined) throw new ExpectedError('CONNECTION_LOST', `connection refused by ${to.host}`);
    const pair = memoryPair();
    this.pairs.push(pair);
    accept(pair[1]);
    return pair[0];
  }

  async listen(at: Endpoint, onStream: (stream: ByteStream) => void) {
    const key = `${at.host}:${at.port}`;
    this.#listeners.set(key, onStream);
    return {
      address: at,
      close: async () => {
        this.#listeners.delete(key);
      },
    };
  }

  /** Breaks every connection there is, as a dying process does. */
  cutAll(): void {
    for (const [near, far] of this.pairs.splice(0)) {
      near.destroy();
      far.destroy();
      near.deliver();
    }
  }
}

export interface HostOptions {
  clock: Clock;
  network: StreamNetwork;
  identity?: Partial<RpcIdentity>;
  keys?: readonly Uint8Array[];
  handlers?: Handlers;
  seed?: string;
  onBug?: (error: unknown, method: string) => void;
}

export function testHost(options: HostOptions): RpcHost {
  const identity = {
    kind: 'server',
    nodeId: 'id-1',
    node: 'one',
    clusterId: '',
    ...options.identity,
  } as const;
  return makeRpcHost({
    clock: options.clock,
    random: new SeededRandom(options.seed ?? `${identity.nodeId}`),
    network: options.network,
    identity: () => identity,
    keys: () => options.keys ?? [],
    handlers: options.handlers ?? {},
    onBug:
      options.onBug ??
      ((error) => {
        throw error;
      }),
  });
}

/** An answer to `status`, told apart by its term. */
export function statusOf(term: number): Awaited<ReturnType<RpcHandlers['calls']['status']>> {
  return {
    leader: '',
    leaderName: '',
    peers: [],
    clusterId: '',
    logId: '',
    term,
    role: 'follower',
    commit: 0,
    applied: 0,
    firstOffset: 0,
    lastOffset: 0,
  };
}
