/**
 * Gossip in a thread of its own, as the rest of the agent sees it. What is read often (`members`, `self`) is a copy that
 * the thread keeps fresh; everything else is a message there and back.
 */
import { Worker } from 'node:worker_threads';
import { ExpectedError } from '../proto/errors.ts';
import type { Endpoint } from '../proto/ports.ts';
import type {
  JoinResult,
  Member,
  Membership,
  MembershipChange,
  QueryRequest,
  QueryResult,
  UserEvent,
} from './gossip/membership.ts';
import type { KeyOperation } from './gossip/serf/internal-queries.ts';
import type { KeyReport } from './gossip/serf/keys.ts';
import {
  type CallName,
  type FromThread,
  fromWire,
  type GossipCalls,
  type GossipNotice,
  type GossipRing,
  type GossipSettings,
  type Link,
  type ToThread,
} from './gossip-link.ts';
import { beat } from './gossip-watch.ts';

export type { GossipNotice } from './gossip-link.ts';

export interface GossipStart extends Partial<GossipSettings> {
  readonly name: string;
  readonly bind: Endpoint;
  /** Without a thread of its own: for tests, and wherever threads are not to be had. */
  readonly inProcess?: boolean;
}

/** Answers a query of the cluster for this agent; null: not ours to answer. */
export type QueryListener = (query: { name: string; payload: Uint8Array; from: string }) => Uint8Array | null;

/** Membership, and what else gossip can do. */
export interface GossipMembership extends Membership {
  /** Where gossip listens. */
  readonly local: Endpoint;
  /** What gossip has noticed that is no change of membership. */
  onNotice(listener: (notice: GossipNotice) => void): () => void;
  onQuery(listener: QueryListener): () => void;
  /** This agent's keys as they are now, the sealing one first: whatever is proven with them follows the ring. */
  ring(): GossipRing;
  /** One step of a key rotation on all members; `key` is base64, '' for a list. */
  keys(operation: KeyOperation, key: string): Promise<KeyReport>;
}

/** The compiled program runs the worker; unbuilt TypeScript, as tests run it, cannot be loaded by one. */
const canRunWorker = import.meta.url.endsWith('.js');

/** Rejects with a `ListenError` (Node's code) or an `ExpectedError`, both with one clear line. */
export async function startGossip(options: GossipStart): Promise<GossipMembership> {
  const settings: GossipSettings = {
    name: options.name,
    bind: options.bind,
    advertise: options.advertise ?? { host: options.bind.host, port: 0 },
    tags: options.tags ?? {},
    profile: options.profile ?? 'lan',
    config: options.config ?? {},
    keys: options.keys ?? [],
    label: options.label ?? '',
    // As in Consul: who says no port means the one that this agent uses itself.
    defaultPort: options.defaultPort ?? (options.bind.port || 8301),
    snapshotPath: options.snapshotPath ?? null,
    keyringPath: options.keyringPath ?? null,
  };
  const thread = options.inProcess || !canRunWorker ? startHere(settings) : startWorker(settings);
  return await GossipClient.connect(thread);
}

interface Thread {
  readonly link: Link<ToThread, FromThread>;
  end(): Promise<void>;
}

function startWorker(settings: GossipSettings): Thread {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./gossip-worker.js', import.meta.url), {
    workerData: { settings, beats },
  });
  // Whatever ends the thread is a bug, and an agent without gossip is none.
  worker.on('error', (error) => {
    throw error;
  });
  const stopBeating = beat(beats);
  return {
    link: {
      post: (message) => worker.postMessage(message),
      onMessage: (listener) => {
        worker.on('message', listener);
      },
    },
    end: async () => {
      stopBeating();
      await worker.terminate();
    },
  };
}

function startHere(settings: GossipSettings): Thread {
  let toThread: (message: ToThread) => void = () => {};
  let fromThread: (message: FromThread) => void = () => {};
  const later = (run: () => void) => setImmediate(run);
  const link: Link<FromThread, ToThread> = {
    post: (message) => later(() => fromThread(message)),
    onMessage: (listener) => {
      toThread = listener;
    },
  };
  // Only loaded where it runs: a main thread with a gossip thread has no use for the core.
  void import('./gossip-host.ts').then(({ GossipHost }) => GossipHost.start(link, settings));
  return {
    link: {
      post: (message) => later(() => toThread(message)),
      onMessage: (listener) => {
        fromThread = listener;
      },
    },
    end: async () => {},
  };
}

interface Waiting {
  resolve(result: never): void;
  reject(error: Error): void;
}

class GossipClient implements GossipMembership {
  readonly local: Endpoint;
  readonly #thread: Thread;
  readonly #members = new Map<string, Member>();
  readonly #selfName: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #changeListeners = new Set<(change: MembershipChange) => void>();
  readonly #eventListeners = new Set<(event: UserEvent) => void>();
  readonly #noticeListeners = new Set<(notice: GossipNotice) => void>();
  readonly #queryListeners = new Set<QueryListener>();
  #ring: GossipRing;
  #calls = 0;
  #stopping: Promise<void> | null = null;

  private constructor(
    thread: Thread,
    { local, self, ring }: Extract<FromThread, { ready: unknown }>['ready'],
  ) {
    this.#thread = thread;
    this.local = local;
    this.#selfName = self.name;
    this.#ring = ring;
    this.#members.set(self.name, self);
  }

  static connect(thread: Thread): Promise<GossipClient> {
    return new Promise((resolve, reject) => {
      let client: GossipClient | null = null;
      thread.link.onMessage((message) => {
        if ('ready' in message) {
          client = new GossipClient(thread, message.ready);
          resolve(client);
        } else if ('failed' in message) {
          void thread.end();
          reject(fromWire(message.failed));
        } else if (client !== null) client.#receive(message);
      });
    });
  }

  member(name: string): Member | undefined {
    return this.#members.get(name);
  }

  members(): readonly Member[] {
    return [...this.#members.values()];
  }

  self(): Member {
    return this.#members.get(this.#selfName)!;
  }

  ring(): GossipRing {
    return this.#ring;
  }

  onChange(listener: (change: MembershipChange) => void): () => void {
    return subscribe(this.#changeListeners, listener);
  }

  onUserEvent(listener: (event: UserEvent) => void): () => void {
    return subscribe(this.#eventListeners, listener);
  }

  onNotice(listener: (notice: GossipNotice) => void): () => void {
    return subscribe(this.#noticeListeners, listener);
  }

  onQuery(listener: QueryListener): () => void {
    return subscribe(this.#queryListeners, listener);
  }

  join(addresses: readonly string[]): Promise<JoinResult> {
    return this.#call('join', { addresses });
  }

  async leave({ forGood }: { forGood: boolean }): Promise<void> {
    await this.#call('leave', { forGood });
  }

  forceLeave(name: string, { prune }: { prune: boolean }): Promise<boolean> {
    return this.#call('forceLeave', { name, prune });
  }

  async setTags(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.#call('setTags', { tags });
  }

  async fireEvent(event: { name: string; payload: Uint8Array; coalesce: boolean }): Promise<void> {
    await this.#call('fireEvent', event);
  }

  query(request: QueryRequest): Promise<QueryResult> {
    return this.#call('query', request);
  }

  keys(operation: KeyOperation, key: string): Promise<KeyReport> {
    return this.#call('keys', { operation, key });
  }

  stats(): Promise<Readonly<Record<string, number>>> {
    return this.#call('stats', {});
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#call('stop', {});
    await this.#thread.end();
    for (const { reject } of this.#waiting.values()) reject(new ExpectedError('STOPPING'));
    this.#waiting.clear();
  }

  #call<M extends CallName>(call: M, params: GossipCalls[M]['params']): Promise<GossipCalls[M]['result']> {
    if (this.#stopping !== null) return Promise.reject(new ExpectedError('STOPPING'));
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.link.post({ id, call, params } as ToThread);
    });
  }

  #receive(message: FromThread): void {
    if ('change' in message) this.#onChange(message.change);
    else if ('member' in message) this.#members.set(message.member.name, message.member);
    else if ('userEvent' in message) for (const listener of this.#eventListeners) listener(message.userEvent);
    else if ('ring' in message) this.#ring = message.ring;
    else if ('notice' in message) for (const listener of this.#noticeListeners) listener(message.notice);
    else if ('query' in message) this.#answer(message);
    else if ('id' in message) this.#settle(message);
  }

  #onChange(change: MembershipChange): void {
    if (change.kind === 'reaped') this.#members.delete(change.member.name);
    else this.#members.set(change.member.name, change.member);
    for (const listener of this.#changeListeners) listener(change);
  }

  #answer({ query, name, payload, from }: Extract<FromThread, { query: number }>): void {
    let answer: Uint8Array | null = null;
    for (const listener of this.#queryListeners) answer ??= listener({ name, payload, from });
    this.#thread.link.post({ answer: query, payload: answer });
  }

  #settle(message: Extract<FromThread, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(fromWire(message.error));
    else waiting?.resolve(message.result as never);
  }
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
