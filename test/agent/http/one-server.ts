/** A cluster of one without Raft, disk and sockets: the real state machine behind the `Rpc` interface. */
import { encode } from '../../../proto/codec.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import { compileEventFilter } from '../../../proto/event-filter.ts';
import type {
  CursorStatus,
  HistoryAnswer,
  ReadStanding,
  Rpc,
  RpcCalls,
  RpcStreams,
} from '../../../proto/rpc.ts';
import type { CommandBody } from '../../../proto/schema/command.ts';
import type { HealthEvent, StreamRecord } from '../../../proto/schema/event.ts';
import type { AgentIdentity } from '../../../proto/schema/journal.ts';
import { queryCatalog } from '../../../server/catalog/query.ts';
import { Fsm } from '../../../server/fsm/fsm.ts';

export class OneServer implements Rpc {
  readonly #fsm = new Fsm({
    logId: 'log-1',
    membership: { voters: ['id-s1'], outgoing: null, learners: [], addresses: {} },
  });
  readonly #events: HealthEvent[] = [];
  #wake: Array<() => void> = [];
  /** Set: every call fails with it, and streams end with it. */
  trouble: ExpectedError | null = null;
  knownLeader = true;
  firstKept = 1;
  logId = 'log-1';
  readonly cursors = new Map<string, CursorStatus>();
  history: Omit<HistoryAnswer, 'offset' | 'logId'> = {
    spans: [],
    changes: 0,
    upMs: 0,
    knownMs: 0,
    untilMs: 0,
    statusSinceMs: null,
    truncated: false,
  };
  readonly queries: Array<RpcCalls['catalog.query']['params']> = [];
  readonly writes: Array<RpcCalls['catalog.write']['params']> = [];

  apply(body: CommandBody, once: RpcCalls['catalog.write']['params']['once'] = null) {
    const { index, term } = this.#fsm.state;
    const data = encode({ timeMs: Date.UTC(2026, 10, 22, 3, 12), once, body });
    const { outcome, events } = this.#fsm.apply({
      index: index + 1,
      term: Math.max(1, term),
      kind: 'command',
      data,
    });
    this.#events.push(...events);
    this.wake();
    if (outcome?.refused)
      throw new ExpectedError(outcome.refused.code, outcome.refused.message, { status: 500 });
    return outcome!;
  }

  /** An agent joins: gossip says that it lives. */
  join(name: string, address: string, meta: Record<string, string> = {}): AgentIdentity {
    const identity = {
      node: name,
      nodeId: `id-${name}`,
      address,
      datacenter: 'dc1',
      taggedAddresses: { lan: address, lan_ipv4: address, wan: address, wan_ipv4: address },
      meta: { 'consul-network-segment': '', ...meta },
    };
    this.apply({ kind: 'node.alive', v: 1, identity, incarnation: 1 });
    return identity;
  }

  /** One more event about a check of nobody in particular. */
  flap(node: string, to: string, count = 1): void {
    for (let n = 0; n < count; n++) {
      const check = { node, id: 'flap', name: 'flap', notes: '', output: '', serviceId: '', serviceName: '' };
      this.apply({
        kind: 'catalog.register',
        v: 1,
        node: {
          name: node,
          id: '',
          address: '10.0.0.1',
          datacenter: 'dc1',
          taggedAddresses: null,
          meta: null,
          skipUpdate: false,
        },
        service: null,
        checks: [
          { ...check, status: `${to}${n === count - 1 ? '' : n}`, serviceTags: [], type: '', definition: {} },
        ],
      });
    }
  }

  get lastOffset(): number {
    return this.#events.length;
  }

  fail(trouble: ExpectedError | null): void {
    this.trouble = trouble;
    this.wake();
  }

  wake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  call: Rpc['call'] = async (method, params) => {
    if (this.trouble !== null) throw this.trouble;
    return this.#answer(method, params) as never;
  };

  stream: Rpc['stream'] = (_method, params, options) =>
    this.#read(params as RpcStreams['events.read']['params'], options?.signal) as never;

  notify(): void {}

  #standing(index: number): ReadStanding {
    return {
      index,
      offset: this.#events.length,
      logId: this.logId,
      knownLeader: this.knownLeader,
      lastContactMs: 0,
    };
  }

  #answer(method: string, params: unknown): unknown {
    switch (method) {
      case 'catalog.query': {
        const asked = params as RpcCalls['catalog.query']['params'];
        this.queries.push(asked);
        const { rows, index } = queryCatalog(this.#fsm.state.catalog, asked.query);
        return { ...this.#standing(index), rows };
      }
      case 'catalog.write': {
        const write = params as RpcCalls['catalog.write']['params'];
        this.writes.push(write);
        const { index, offset } = this.apply(write.body, write.once);
        return { index, offset };
      }
      case 'cursor.list':
        return { cursors: [...this.cursors.values()] };
      case 'cursor.acknowledge': {
        const { name, share, offset } = params as RpcCalls['cursor.acknowledge']['params'];
        if (offset > this.#events.length) throw new ExpectedError('OFFSET_FUTURE');
        this.cursors.set(name, { name, share, offset, lag: this.#events.length - offset, taken: false });
        return { offset };
      }
      case 'cursor.remove':
        this.cursors.delete((params as { name: string }).name);
        return {};
      case 'events.history':
        return { ...this.history, offset: this.#events.length, logId: this.logId };
      case 'status':
        return {
          leader: '127.0.0.1:8300',
          leaderName: 's1',
          peers: ['127.0.0.1:8300'],
          logId: this.logId,
          firstOffset: this.firstKept,
          lastOffset: this.#events.length,
        };
      default:
        throw new ExpectedError('PROTOCOL', method);
    }
  }

  async *#read(
    params: RpcStreams['events.read']['params'],
    signal?: AbortSignal,
  ): AsyncGenerator<StreamRecord> {
    const matches = compileEventFilter(params.filter, () => undefined);
    let at = params.after ?? this.cursors.get(params.cursor?.name ?? '')?.offset ?? this.#events.length;
    if (at > this.#events.length) throw new ExpectedError('OFFSET_FUTURE');
    if (at + 1 < this.firstKept) {
      yield { Gap: { From: at + 1, To: this.firstKept - 1, Reason: 'trimmed' } };
      at = this.firstKept - 1;
    }
    const wake = () => this.wake();
    signal?.addEventListener('abort', wake, { once: true });
    try {
      while (!signal?.aborted) {
        if (this.trouble !== null) throw this.trouble;
        const event = this.#events[at];
        if (event === undefined) {
          await new Promise<void>((resolve) => this.#wake.push(resolve));
        } else {
          at += 1;
          if (matches(event)) yield event;
        }
      }
    } finally {
      signal?.removeEventListener('abort', wake);
    }
  }
}
