/**
 * The answering half of a connection: runs the handler that a call, notice or stream asks for and sends back what it
 * says. The number of handlers under way is bounded; whoever asks for more is told that we are busy.
 */
import { decode, encode } from '../../proto/codec.ts';
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type { RpcHandlers, RpcPeer } from '../../proto/rpc.ts';
import { encodeFailure } from './failure.ts';
import { CreditGate } from './flow.ts';
import { encodeFrame, type Frame } from './frames.ts';
import type { Outbox } from './outbox.ts';
import { Refusal } from './refusal.ts';

/** Calls of one connection under way at once. */
export const callsServedMax = 4096;
/** Streams of one connection: ten thousand listeners may hang on one agent. */
export const streamsServedMax = 16_384;

/** What this side answers; methods that are missing are refused. */
export interface Handlers {
  readonly calls?: Partial<RpcHandlers['calls']>;
  readonly notices?: Partial<RpcHandlers['notices']>;
  readonly streams?: Partial<RpcHandlers['streams']>;
}

type Call = (params: unknown, peer: RpcPeer) => Promise<unknown>;
type Notice = (params: unknown, peer: RpcPeer) => void;
type Stream = (params: unknown, peer: RpcPeer, signal: AbortSignal) => AsyncIterable<unknown>;

interface Served {
  readonly gate: CreditGate;
  readonly abort: AbortController;
}

export interface AnsweringHost {
  readonly handlers: Handlers;
  readonly onBug: (error: unknown, method: string) => void;
}

export class Answering {
  readonly #host: AnsweringHost;
  readonly #outbox: Outbox;
  readonly #peer: () => RpcPeer;
  readonly #streams = new Map<number, Served>();
  /** Calls under way; one that was cancelled runs on, but its answer is not sent. */
  readonly #calls = new Set<number>();
  #stopped = false;

  constructor(host: AnsweringHost, outbox: Outbox, peer: () => RpcPeer) {
    this.#host = host;
    this.#outbox = outbox;
    this.#peer = peer;
  }

  /** Nobody waits for anything from us. */
  get idle(): boolean {
    return this.#calls.size === 0 && this.#streams.size === 0;
  }

  /** Throws a `Refusal` for a frame that cannot be understood. `onIdle` runs whenever something has ended. */
  receive(frame: Frame, onIdle: () => void): void {
    const { kind, id, body } = frame;
    switch (kind) {
      case 'call':
        void this.#answer(id, request(frame)).then(onIdle);
        return;
      case 'notice':
        this.#note(request(frame));
        return;
      case 'open':
        void this.#serve(id, request(frame)).then(onIdle);
        return;
      case 'credit':
        this.#streams.get(id)?.gate.grant(creditIn(decode(body)));
        return;
      default:
        this.#calls.delete(id);
        this.#stopStream(id);
    }
  }

  /** Ends every stream with STOPPING. */
  stopStreams(): void {
    for (const id of [...this.#streams.keys()]) {
      this.#fail(id, new ExpectedError('STOPPING'));
      this.#stopStream(id);
    }
  }

  /** The connection is gone. */
  stop(): void {
    this.#stopped = true;
    this.#calls.clear();
    for (const id of [...this.#streams.keys()]) this.#stopStream(id);
  }

  async #answer(id: number, { method, params }: Request): Promise<void> {
    if (this.#calls.size >= callsServedMax) return this.#fail(id, new ExpectedError('BUSY'));
    this.#calls.add(id);
    try {
      const answer = encode(await this.#handler<Call>('calls', method)(params, this.#peer()));
      if (this.#calls.has(id)) this.#outbox.send(encodeFrame('answer', id, answer));
    } catch (error) {
      this.#report(error, method);
      if (this.#calls.has(id)) this.#fail(id, error);
    } finally {
      this.#calls.delete(id);
    }
  }

  #note({ method, params }: Request): void {
    try {
      this.#handler<Notice>('notices', method)(params, this.#peer());
    } catch (error) {
      this.#report(error, method);
    }
  }

  async #serve(id: number, { method, params, credit }: Request): Promise<void> {
    if (this.#streams.size >= streamsServedMax) return this.#fail(id, new ExpectedError('BUSY'));
    const served = { gate: new CreditGate(credit), abort: new AbortController() };
    this.#streams.set(id, served);
    try {
      const items = this.#handler<Stream>('streams', method)(params, this.#peer(), served.abort.signal);
      for await (const item of items) {
        if (served.abort.signal.aborted) return;
        const body = encode(item);
        served.gate.spend(body.length);
        this.#outbox.send(encodeFrame('item', id, body));
        await this.#outbox.room();
        if (!(await served.gate.open())) return;
      }
      if (this.#streams.get(id) === served) this.#outbox.send(encodeFrame('end', id));
    } catch (error) {
      this.#report(error, method);
      if (this.#streams.get(id) === served) this.#fail(id, error);
    } finally {
      if (this.#streams.get(id) === served) this.#streams.delete(id);
    }
  }

  #handler<H>(group: keyof Handlers, method: string): H {
    const handlers: Record<string, unknown> = this.#host.handlers[group] ?? {};
    if (!Object.hasOwn(handlers, method)) {
      throw new ExpectedError('PROTOCOL', `this side has no method ${method}: it may be older`);
    }
    return handlers[method] as H;
  }

  #stopStream(id: number): void {
    const served = this.#streams.get(id);
    this.#streams.delete(id);
    served?.gate.close();
    served?.abort.abort();
  }

  #fail(id: number, error: unknown): void {
    this.#outbox.send(encodeFrame('failure', id, encodeFailure(error)));
  }

  #report(error: unknown, method: string): void {
    if (!isExpected(error) && !this.#stopped) this.#host.onBug(error, method);
  }
}

interface Request {
  readonly method: string;
  readonly params: unknown;
  /** Bytes that the reader of a stream is willing to hold; 0 for calls and notices. */
  readonly credit: number;
}

function request(frame: Frame): Request {
  const body = decode(frame.body);
  if (!Array.isArray(body) || typeof body[0] !== 'string') {
    throw new Refusal('garbage', 'PROTOCOL', `a ${frame.kind} that names no method`);
  }
  return { method: body[0], params: body[1], credit: frame.kind === 'open' ? creditIn(body[2]) : 0 };
}

function creditIn(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new Refusal('garbage', 'PROTOCOL', 'credit that is no number of bytes');
  }
  return value as number;
}
