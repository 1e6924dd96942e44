/** Servers without frames, sockets or Raft: one event log that all of them hold, and switches to break them. */
import type { KnownServer, ServerConnection } from '../../agent/server-pool.ts';
import { type ErrorCode, ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { RpcStreams } from '../../proto/rpc.ts';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { statusOf } from '../server/rpc/memory-network.ts';

export function eventAt(offset: number): HealthEvent {
  return { ...draftEvent({ Kind: 'check.changed', Check: 'web' }), Schema: 1, Offset: offset, Time: '' };
}

export class FakeServers {
  readonly log: StreamRecord[] = [];
  readonly calls: Array<{ server: string; method: string; params: unknown }> = [];
  readonly connections = new Map<string, FakeConnection[]>();
  readonly down = new Set<string>();
  /** Answers by method; `status` and `events.read` are there already. */
  answers: Record<string, (params: never, server: string) => unknown> = {};
  #wake: Array<() => void> = [];

  known(...names: string[]): KnownServer[] {
    return names.map((name) => ({ nodeId: `id-${name}`, name, address: { host: name, port: 8300 } }));
  }

  async connect(address: Endpoint): Promise<ServerConnection> {
    const name = address.host;
    if (this.down.has(name)) throw new ExpectedError('CONNECTION_LOST', `connection refused by ${name}`);
    const connection = new FakeConnection(name, this);
    this.connections.set(name, [...(this.connections.get(name) ?? []), connection]);
    return connection as unknown as ServerConnection;
  }

  kill(name: string): void {
    this.down.add(name);
    for (const connection of this.connections.get(name)?.splice(0) ?? []) connection.lose('CONNECTION_LOST');
  }

  append(count: number): void {
    for (let n = 0; n < count; n++) this.log.push(eventAt(this.log.length + 1));
    this.wake();
  }

  wake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }
}

export class FakeConnection {
  readonly peer: { nodeId: string; node: string; kind: 'server'; clusterId: string };
  usable = true;
  #servers: FakeServers;
  #lost: ErrorCode | undefined;
  #onLeaving = () => {};

  constructor(name: string, servers: FakeServers) {
    this.peer = { nodeId: `id-${name}`, node: name, kind: 'server', clusterId: 'c1' };
    this.#servers = servers;
  }

  onLeaving(run: () => void): void {
    this.#onLeaving = run;
  }

  async close(): Promise<void> {
    this.lose('CONNECTION_LOST');
  }

  lose(code: ErrorCode): void {
    if (!this.usable) return;
    this.usable = false;
    this.#lost = code;
    this.#onLeaving();
    this.#servers.wake();
  }

  async call(method: string, params: unknown): Promise<unknown> {
    if (!this.usable) throw new ExpectedError('CONNECTION_LOST');
    this.#servers.calls.push({ server: this.peer.node, method, params });
    const answer = this.#servers.answers[method];
    if (answer !== undefined) return answer(params as never, this.peer.node);
    if (method !== 'status') throw new ExpectedError('PROTOCOL', method);
    return { ...statusOf(1), logId: 'log-1', lastOffset: this.#servers.log.length };
  }

  async *stream(
    _method: string,
    params: RpcStreams['events.read']['params'],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<StreamRecord> {
    let at = params.after ?? this.#servers.log.length;
    const wake = () => this.#servers.wake();
    options?.signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        if (this.#lost !== undefined) throw new ExpectedError(this.#lost);
        if (options?.signal?.aborted) return;
        const record = this.#servers.log[at];
        if (record === undefined) await this.#servers.wait();
        else {
          at += 1;
          yield record;
        }
      }
    } finally {
      options?.signal?.removeEventListener('abort', wake);
    }
  }

  notify(): void {}
}
