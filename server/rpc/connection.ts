/**
 * One connection after its handshake: calls, notices and streams in both directions over one byte stream.
 *
 *     starter            answerer
 *     call     ─▶                    one answer or failure comes back
 *     notice   ─▶                    nothing comes back
 *     open     ─▶                    items come back as far as the credit reaches, then end or failure
 *     credit   ─▶
 *     cancel   ─▶                    the starter does not want the rest
 *     either side: ping ─▶ pong, cluster (its cluster id has become known), goodbye (start nothing new here)
 *
 * What this side starts is in this file, what it answers in `answering.ts`.
 */
import { decode, encode } from '../../proto/codec.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock, Endpoint } from '../../proto/ports.ts';
import type {
  CallMethod,
  NoticeMethod,
  Rpc,
  RpcCalls,
  RpcNotices,
  RpcPeer,
  RpcStreams,
  StreamMethod,
} from '../../proto/rpc.ts';
import { Answering, type Handlers } from './answering.ts';
import type { ByteStream } from './byte-stream.ts';
import { CallTable } from './calls.ts';
import { failureIn } from './failure.ts';
import { StreamInbox, windowBytes } from './flow.ts';
import { encodeFrame, type Frame, type FrameKind, type FrameReader, frameBytesMax } from './frames.ts';
import { foreignCluster, isText, type Shaken, type Side, sameCluster } from './handshake.ts';
import { Keepalive } from './keepalive.ts';
import { Outbox } from './outbox.ts';
import { asRefusal, decodeObject, Refusal } from './refusal.ts';

export interface ConnectionHost {
  readonly clock: Clock;
  readonly handlers: Handlers;
  /** Runs its argument when what is under way has ended: `process.nextTick`, or `queueMicrotask` where time is virtual. */
  readonly defer: (run: () => void) => void;
  /** A handler threw what is no `ExpectedError`. */
  readonly onBug: (error: unknown, method: string) => void;
}

export class RpcConnection implements Rpc {
  readonly remote: Endpoint;
  /** See `HandshakeHost.instance`. */
  readonly peerInstance: string;
  /** Whether this side dialed. */
  readonly dialed: boolean;
  /** Version of the protocol that both sides speak. */
  readonly protocol: number;
  /** Resolves when the connection is gone, with the reason; undefined when both sides wanted it so. */
  readonly closed: Promise<Refusal | ExpectedError | undefined>;

  readonly #host: ConnectionHost;
  readonly #stream: ByteStream;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #answering: Answering;
  readonly #calls: CallTable;
  readonly #keepalive: Keepalive;
  readonly #streams = new Map<number, StreamInbox>();
  #peer: RpcPeer;
  #resolveClosed: (reason: Refusal | ExpectedError | undefined) => void = () => {};
  #open = true;
  #leaving: 'no' | 'they' | 'we' = 'no';
  #onLeaving: () => void = () => {};
  #lastId = 0;

  constructor(stream: ByteStream, side: Side, shaken: Shaken, host: ConnectionHost) {
    this.remote = stream.remote;
    this.peerInstance = shaken.instance;
    this.protocol = shaken.protocol;
    this.dialed = side === 'caller';
    this.#peer = shaken.peer;
    this.#host = host;
    this.#stream = stream;
    this.#reader = shaken.reader;
    this.#reader.bytesMax = frameBytesMax;
    this.#calls = new CallTable(host.clock);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#outbox = new Outbox(stream, host.defer, () => {
      this.#fail(
        new Refusal('slow_reader', 'CONNECTION_LOST', 'the other side does not read what it is sent'),
      );
    });
    this.#answering = new Answering(host, this.#outbox, () => this.#peer);
    this.#keepalive = new Keepalive(
      host.clock,
      () => this.#send('ping', 0),
      () => this.#fail(new Refusal('silent', 'CONNECTION_LOST', 'the other side has fallen silent')),
    );
    stream.receive({
      onData: (chunk) => this.#receive(chunk),
      onDrain: () => this.#outbox.onDrain(),
      onClose: (error) => this.#onClose(error),
    });
    // Frames that came right behind the handshake lie in the reader already.
    queueMicrotask(() => this.#drain());
  }

  get peer(): RpcPeer {
    return this.#peer;
  }

  /** False when nothing new may be started here: closed, or one side has said goodbye. */
  get usable(): boolean {
    return this.#open && this.#leaving === 'no';
  }

  /** Bytes that have not left this process: what best-effort senders look at before they add more. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  /** Runs once, when this connection is no longer to be used for anything new. */
  onLeaving(run: () => void): void {
    this.#onLeaving = run;
  }

  call<M extends CallMethod>(
    method: M,
    params: RpcCalls[M]['params'],
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<RpcCalls[M]['answer']> {
    if (!this.usable) return Promise.reject(this.#lost());
    const id = this.#nextId();
    const answer = this.#calls.wait(id, method, options, () => this.#send('cancel', id));
    try {
      this.#send('call', id, encode([method, params]));
    } catch (error) {
      this.#calls.settle(id)?.reject(error);
    }
    return answer as Promise<RpcCalls[M]['answer']>;
  }

  async *stream<M extends StreamMethod>(
    method: M,
    params: RpcStreams[M]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<RpcStreams[M]['item'], void, undefined> {
    if (options?.signal?.aborted) return;
    if (!this.usable) throw this.#lost();
    const id = this.#nextId();
    const inbox = new StreamInbox((bytes) => this.#send('credit', id, encode(bytes)));
    const onAbort = () => inbox.end(null);
    this.#streams.set(id, inbox);
    options?.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#send('open', id, encode([method, params, windowBytes]));
      for (;;) {
        const item = await inbox.take();
        if (item === undefined || options?.signal?.aborted) return;
        yield item.value as RpcStreams[M]['item'];
      }
    } finally {
      options?.signal?.removeEventListener('abort', onAbort);
      // Still in the table: the other side has not ended it, so it must hear that nobody reads any more.
      if (this.#streams.delete(id)) this.#send('cancel', id);
    }
  }

  notify<M extends NoticeMethod>(method: M, params: RpcNotices[M]): void {
    if (this.usable) this.#send('notice', 0, encode([method, params]));
  }

  /** Our own cluster id has become known since the handshake; the other side checks it. */
  announceCluster(clusterId: string): void {
    this.#send('cluster', 0, encode({ clusterId }));
  }

  /**
   * Says goodbye, lets what is under way finish for at most `drainMs`, then closes. Streams that are read from us
   * end with STOPPING at once, so that their readers go on elsewhere.
   */
  async close(drainMs = 0): Promise<void> {
    if (this.#open && this.#leaving !== 'we') {
      this.#send('goodbye', 0);
      this.#leave('we');
      this.#answering.stopStreams();
      const timer = this.#host.clock.after(drainMs, () => this.#end());
      this.#endWhenIdle();
      void this.closed.then(() => timer.cancel());
    }
    await this.closed;
  }

  #nextId(): number {
    this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  #send(kind: FrameKind, id: number, body?: Uint8Array): void {
    this.#outbox.send(encodeFrame(kind, id, body));
  }

  #receive(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#drain();
  }

  #drain(): void {
    this.#keepalive.heard();
    try {
      for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame())
        this.#dispatch(frame);
    } catch (error) {
      this.#fail(asRefusal(error));
    }
    if (this.#leaving !== 'no') this.#endWhenIdle();
  }

  #nextFrame(): Frame | undefined {
    return this.#open ? this.#reader.next() : undefined;
  }

  #dispatch(frame: Frame): void {
    const { kind, id, body } = frame;
    switch (kind) {
      case 'answer':
        this.#calls.settle(id)?.resolve(decode(body));
        return;
      case 'failure': {
        const failure = failureIn(body);
        this.#calls.settle(id)?.reject(failure);
        this.#endStream(id, failure);
        return;
      }
      case 'item':
        this.#streams.get(id)?.push(decode(body), body.length);
        return;
      case 'end':
        this.#endStream(id, null);
        return;
      case 'call':
      case 'notice':
      case 'open':
      case 'credit':
      case 'cancel':
        this.#answering.receive(frame, () => this.#endWhenIdle());
        return;
      case 'ping':
        this.#send('pong', 0);
        return;
      case 'pong':
        return;
      case 'cluster':
        this.#meetCluster(decodeObject(body).clusterId);
        return;
      case 'goodbye':
        this.#leave('they');
        return;
      case 'hello':
      case 'proof':
      case 'refusal':
        throw new Refusal('garbage', 'PROTOCOL', `${kind} after the handshake`);
    }
  }

  #endStream(id: number, reason: Error | null): void {
    const inbox = this.#streams.get(id);
    this.#streams.delete(id);
    inbox?.end(reason);
  }

  #meetCluster(theirs: unknown): void {
    if (!isText(theirs)) throw new Refusal('garbage', 'PROTOCOL', 'a cluster id that is no text');
    if (!sameCluster(this.#peer.clusterId, theirs)) throw foreignCluster(this.#peer.clusterId, theirs);
    this.#peer = { ...this.#peer, clusterId: theirs };
  }

  #leave(who: 'they' | 'we'): void {
    const first = this.#leaving === 'no';
    // When both say goodbye at once, both end it.
    if (this.#leaving !== 'we') this.#leaving = who;
    if (first) this.#onLeaving();
  }

  /** Only the side that said goodbye ends, so that no answer is cut off on its way. */
  #endWhenIdle(): void {
    if (this.#leaving === 'we' && this.#calls.size === 0 && this.#answering.idle) this.#end();
  }

  #end(): void {
    if (!this.#open) return;
    this.#outbox.flush();
    this.#stream.end();
    this.#finish(undefined);
  }

  #fail(reason: Refusal): void {
    if (!this.#open) return;
    this.#stream.destroy();
    this.#finish(reason);
  }

  #onClose(error: Error | undefined): void {
    if (!this.#open) return;
    const partial = this.#reader.pendingBytes;
    if (partial > 0) {
      this.#finish(
        new Refusal('half', 'CONNECTION_LOST', `the stream ended inside of a frame (${partial} bytes)`),
      );
    } else if (this.#leaving !== 'no') {
      this.#finish(undefined);
    } else {
      this.#finish(
        new ExpectedError('CONNECTION_LOST', `rpc error: ${error?.message ?? 'the other side closed'}`),
      );
    }
  }

  #finish(reason: Refusal | ExpectedError | undefined): void {
    const lost = reason ?? new ExpectedError('CONNECTION_LOST');
    const first = this.#leaving === 'no';
    this.#open = false;
    this.#keepalive.stop();
    this.#outbox.close();
    this.#answering.stop();
    this.#calls.rejectAll(lost);
    for (const id of [...this.#streams.keys()]) this.#endStream(id, lost);
    this.#resolveClosed(reason);
    if (first) this.#onLeaving();
  }

  #lost(): ExpectedError {
    return new ExpectedError('CONNECTION_LOST', 'rpc error: the connection is closed');
  }
}
