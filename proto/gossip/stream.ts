/**
 * One direction of a TCP exchange: a single message under its wrappers (gossip-wire 4).
 *
 *     label (client only) | encryption with a length | compression | message
 *
 * The decoder is fed as the bytes come and says when the message is complete; it keeps no more than the limits
 * allow, and names what it refuses. How long a peer may take is for whoever owns the socket to say.
 */
import { assert } from '../assert.ts';
import { open, type Seal, seal, sealedLength } from './encryption.ts';
import { encodeCompressed, type Opening, readCompressed } from './envelope.ts';
import { labelOverhead, skipLabel, writeLabel } from './label.ts';
import type { Err, StreamMessage } from './messages.ts';
import { ValueScanner } from './msgpack-scan.ts';
import { encodeStreamMessage, messageType } from './packets.ts';
import { Refusal, type RefusalReason } from './refusal.ts';
import { BodyReader, type StreamLimits, streamLimits } from './stream-body.ts';

const sealHeaderBytes = 5;

export type StreamSide = 'client' | 'server';

export interface StreamOptions {
  /** Who sends. Only a client writes the label; in an answer it is merely authenticated. */
  readonly sender: StreamSide;
  readonly label: Uint8Array;
  /** Applied even where it does not help: that is how stock agents do it. */
  readonly compress: boolean;
  readonly seal: Seal | null;
  /** See `compress` in `lzw.ts`; true unless told otherwise. */
  readonly lzwInitialClear?: boolean;
}

export function encodeStream(message: StreamMessage, options: StreamOptions): Uint8Array {
  let body = encodeStreamMessage(message);
  if (options.compress) body = encodeCompressed(body, options.lzwInitialClear);
  if (options.seal !== null) body = sealed(body, options.seal, options.label);
  if (options.sender === 'server' || options.label.length === 0) return body;
  const start = labelOverhead(options.label);
  const stream = new Uint8Array(start + body.length);
  writeLabel(stream, options.label);
  stream.set(body, start);
  return stream;
}

/** What a server answers to a stream that it cannot open, if anything. */
export function errFor(reason: RefusalReason): Err | undefined {
  switch (reason) {
    case 'not-encrypted':
      return { type: 'err', error: 'this agent takes encrypted streams only' };
    case 'no-keys':
      return { type: 'err', error: 'this agent has no gossip encryption' };
    case 'wrong-key':
      return { type: 'err', error: 'no key of this agent opens the stream' };
    default:
      return undefined;
  }
}

export type StreamProgress =
  | { readonly state: 'incomplete' }
  /** `keyIndex`: which of the keys opened it; null when it came plain. */
  | { readonly state: 'complete'; readonly message: StreamMessage; readonly keyIndex: number | null }
  | { readonly state: 'refused'; readonly reason: RefusalReason };

const incomplete: StreamProgress = { state: 'incomplete' };

/** Feed it with `push` until the state is not `incomplete` any more; bytes after that are ignored. */
export class StreamDecoder {
  readonly #opening: Opening;
  readonly #limits: StreamLimits;
  /** What came so far is the first `#length` bytes; grows with what is here, not with what is announced. */
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Where the message begins, behind the label that a client sends; -1 while that is not known. */
  #start: number;
  readonly #body: BodyReader;
  #scanner: ValueScanner | undefined;
  #progress: StreamProgress = incomplete;

  /** `sender` is the other side. */
  constructor(sender: StreamSide, opening: Opening, limits: StreamLimits = streamLimits) {
    this.#opening = opening;
    this.#limits = limits;
    this.#body = new BodyReader(limits);
    this.#start = sender === 'client' ? -1 : 0;
  }

  push(chunk: Uint8Array): StreamProgress {
    if (this.#progress.state !== 'incomplete') return this.#progress;
    try {
      this.#append(chunk);
      this.#progress = this.#read(this.#buffer.subarray(0, this.#length));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#progress = { state: 'refused', reason: error.reason };
    }
    if (this.#progress.state !== 'incomplete') this.#buffer = new Uint8Array(0);
    return this.#progress;
  }

  /** The other side has closed. `undefined` when it never said a word, which is nobody's fault. */
  end(): RefusalReason | undefined {
    if (this.#progress.state === 'refused') return this.#progress.reason;
    return this.#progress.state === 'complete' || this.#length === 0 ? undefined : 'truncated';
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#limits.bytesMax) throw new Refusal('too-large');
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(needed, Math.min(this.#buffer.length * 2, this.#limits.bytesMax)),
      );
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  #read(bytes: Uint8Array): StreamProgress {
    if (this.#start < 0) this.#start = skipLabel(bytes, this.#opening.label);
    if (this.#start < 0 || bytes.length === this.#start) return incomplete;
    const framed = bytes.subarray(this.#start);
    const { keys, acceptPlain } = this.#opening;
    if (framed[0] === messageType.encrypt) {
      if (keys.length === 0) throw new Refusal('no-keys');
      return this.#readSealed(framed);
    }
    if (keys.length > 0 && !acceptPlain) throw new Refusal('not-encrypted');
    if (framed[0] === messageType.compress) return this.#readCompressed(framed);
    const message = this.#body.read(framed);
    return message === undefined ? incomplete : { state: 'complete', message, keyIndex: null };
  }

  #readSealed(framed: Uint8Array): StreamProgress {
    if (framed.length < sealHeaderBytes) return incomplete;
    const length = new DataView(framed.buffer, framed.byteOffset).getUint32(1);
    if (length > this.#limits.bytesMax) throw new Refusal('too-large');
    const end = sealHeaderBytes + length;
    if (framed.length < end) return incomplete;
    const aad = concat(framed.subarray(0, sealHeaderBytes), this.#opening.label);
    const opened = open(framed.subarray(sealHeaderBytes, end), this.#opening.keys, aad);
    const plain = opened.plaintext;
    const message = this.#whole(plain[0] === messageType.compress ? this.#inflate(plain) : plain);
    return { state: 'complete', message, keyIndex: opened.keyIndex };
  }

  #readCompressed(framed: Uint8Array): StreamProgress {
    this.#scanner ??= new ValueScanner(1, this.#limits.bytesMax);
    const end = this.#scanner.scan(framed);
    if (end < 0) return incomplete;
    return {
      state: 'complete',
      message: this.#whole(this.#inflate(framed.subarray(0, end))),
      keyIndex: null,
    };
  }

  #inflate(compressed: Uint8Array): Uint8Array {
    return readCompressed(compressed, this.#limits.bytesMax);
  }

  /** A message of which no more will come. */
  #whole(bytes: Uint8Array): StreamMessage {
    const message = this.#body.read(bytes);
    if (message === undefined) throw new Refusal('truncated');
    return message;
  }
}

function sealed(body: Uint8Array, how: Seal, label: Uint8Array): Uint8Array {
  const length = sealedLength(body.length, how.version ?? 1);
  assert(length <= streamLimits.bytesMax, `a sealed stream of ${length} bytes`);
  const header = new Uint8Array(sealHeaderBytes);
  header[0] = messageType.encrypt;
  new DataView(header.buffer).setUint32(1, length);
  return concat(header, seal(body, how, concat(header, label)));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (second.length === 0) return first;
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
