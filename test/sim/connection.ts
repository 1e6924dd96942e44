/**
 * A connection between two simulated processes, from the one that dialed to the one that answers. No frames and no bytes:
 * parameters and answers are handed over as they are, so neither side may change what it was given.
 *
 * Each side learns of a loss by itself, as with real sockets: soon when the other process ended and its host still
 * answers, after a while of silence when the host or the way is gone.
 */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type {
  CallMethod,
  NoticeMethod,
  Rpc,
  RpcCalls,
  RpcHandlers,
  RpcNotices,
  RpcPeer,
  RpcStreams,
  StreamMethod,
} from '../../proto/rpc.ts';
import { CallTable } from '../../server/rpc/calls.ts';
import { Pipe, type PipeEnd, type PipeWorld } from './pipe.ts';

export interface ConnectionSide extends PipeEnd {
  /** Who this is, as a handshake would have proved it. */
  peer(): RpcPeer;
}

export interface AnsweringSide extends ConnectionSide {
  readonly handlers: RpcHandlers;
}

export interface ConnectionWorld extends PipeWorld {
  /** A handler threw something that is no expected error. */
  onBug(error: unknown, method: string): void;
}

/** Items of one stream that are under way or wait for the reader. */
const streamWindow = 32;

interface OpenStream {
  receive(item: unknown): void;
  end(error: ExpectedError | null): void;
}

interface ServedStream {
  readonly abort: AbortController;
  /** Items that were sent and not taken by the reader yet. */
  unread: number;
  wake: () => void;
}

export class SimConnection implements Rpc {
  readonly #world: ConnectionWorld;
  readonly #answerer: AnsweringSide;
  readonly #callerPeer: RpcPeer;
  readonly #there: Pipe;
  readonly #back: Pipe;
  readonly #calls: CallTable;
  readonly #open = new Map<number, OpenStream>();
  readonly #served = new Map<number, ServedStream>();
  readonly #onLeaving: (() => void)[] = [];
  readonly peer: RpcPeer;
  usable = true;
  #serving = true;
  #lastId = 0;

  constructor(world: ConnectionWorld, caller: ConnectionSide, answerer: AnsweringSide) {
    this.#world = world;
    this.#answerer = answerer;
    this.#callerPeer = caller.peer();
    this.peer = answerer.peer();
    this.#there = new Pipe(world, caller, answerer);
    this.#back = new Pipe(world, answerer, caller);
    this.#calls = new CallTable(caller.process);
  }

  /** Neither side knows it any more. */
  get over(): boolean {
    return !this.usable && !this.#serving;
  }

  call<M extends CallMethod>(
    method: M,
    params: RpcCalls[M]['params'],
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<RpcCalls[M]['answer']> {
    if (!this.usable) return Promise.reject(new ExpectedError('CONNECTION_LOST'));
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = this.#calls.wait(id, method, options, () => {});
    this.#there.push(() => {
      this.#answer(method, params).then(
        (value) => this.#back.push(() => this.#calls.settle(id)?.resolve(value)),
        (error: unknown) => {
          const failure = this.#failureOf(error, method);
          this.#back.push(() => this.#calls.settle(id)?.reject(failure));
        },
      );
    });
    return answer as Promise<RpcCalls[M]['answer']>;
  }

  async *stream<M extends StreamMethod>(
    method: M,
    params: RpcStreams[M]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<RpcStreams[M]['item'], void, undefined> {
    if (!this.usable) throw new ExpectedError('CONNECTION_LOST');
    this.#lastId += 1;
    const id = this.#lastId;
    const items: RpcStreams[M]['item'][] = [];
    let ended: { readonly error: ExpectedError | null } | null = null;
    let wake = () => {};
    this.#open.set(id, {
      receive: (item) => {
        items.push(item as RpcStreams[M]['item']);
        wake();
      },
      end: (error) => {
        ended ??= { error };
        wake();
      },
    });
    const signal = options?.signal;
    const onAbort = () => this.#open.get(id)?.end(null);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#there.push(() => void this.#serve(id, method, params));
    try {
      for (;;) {
        while (items.length > 0) {
          const item = items.shift()!;
          yield item;
          if (signal?.aborted) return;
          this.#there.push(() => this.#granted(id));
        }
        const end = ended as { readonly error: ExpectedError | null } | null;
        if (end?.error) throw end.error;
        if (end !== null) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#open.delete(id);
      this.#there.push(() => this.#stopServing(id));
    }
  }

  notify<M extends NoticeMethod>(method: M, params: RpcNotices[M]): void {
    this.#there.push(() => this.#answerer.handlers.notices[method](params, this.#callerPeer));
  }

  onLeaving(run: () => void): void {
    this.#onLeaving.push(run);
  }

  async close(): Promise<void> {
    this.loseHere();
    this.loseThere();
  }

  /** The side that dialed learns that the connection is gone. */
  loseHere(): void {
    if (!this.usable) return;
    this.usable = false;
    this.#back.close();
    const lost = new ExpectedError('CONNECTION_LOST');
    this.#calls.rejectAll(lost);
    for (const stream of this.#open.values()) stream.end(lost);
    this.#open.clear();
    for (const run of this.#onLeaving) run();
  }

  /** The answering side learns it. */
  loseThere(): void {
    if (!this.#serving) return;
    this.#serving = false;
    this.#there.close();
    for (const id of [...this.#served.keys()]) this.#stopServing(id);
  }

  async #answer<M extends CallMethod>(method: M, params: RpcCalls[M]['params']): Promise<unknown> {
    return this.#answerer.handlers.calls[method](params, this.#callerPeer);
  }

  async #serve<M extends StreamMethod>(
    id: number,
    method: M,
    params: RpcStreams[M]['params'],
  ): Promise<void> {
    const served: ServedStream = { abort: new AbortController(), unread: 0, wake: () => {} };
    this.#served.set(id, served);
    const { handlers } = this.#answerer;
    let failure: ExpectedError | null = null;
    try {
      for await (const item of handlers.streams[method](params, this.#callerPeer, served.abort.signal)) {
        if (served.abort.signal.aborted) return;
        served.unread += 1;
        this.#back.push(() => this.#open.get(id)?.receive(item));
        while (served.unread >= streamWindow && !served.abort.signal.aborted) {
          await new Promise<void>((resolve) => {
            served.wake = resolve;
          });
        }
      }
    } catch (error) {
      failure = this.#failureOf(error, method);
    } finally {
      this.#served.delete(id);
    }
    this.#back.push(() => this.#open.get(id)?.end(failure));
  }

  #granted(id: number): void {
    const served = this.#served.get(id);
    if (served === undefined) return;
    served.unread -= 1;
    served.wake();
  }

  #stopServing(id: number): void {
    const served = this.#served.get(id);
    served?.abort.abort();
    served?.wake();
  }

  /** An error as it arrives on the other side: a new one, with the same code. */
  #failureOf(error: unknown, method: string): ExpectedError {
    if (isExpected(error)) {
      const { code, message, status, data } = error;
      return new ExpectedError(code, message, { status, data });
    }
    if (!this.#answerer.process.stopped) this.#world.onBug(error, method);
    return new ExpectedError('INTERNAL');
  }
}
