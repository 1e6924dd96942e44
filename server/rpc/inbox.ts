/**
 * The first frames of a connection, taken one at a time: the handshake is a conversation and reads best as one. Strangers
 * get little memory, and those who speak something else are recognised by their first bytes.
 */
import type { ByteStream } from './byte-stream.ts';
import { type Frame, type FrameKind, FrameReader, handshakeFrameBytesMax } from './frames.ts';
import { asRefusal, decodeRefusal, Refusal } from './refusal.ts';

/** What may lie here before the handshake is through; the other side may begin to talk right behind its proof. */
const waitingBytesMax = 1024 * 1024;

export class FrameInbox {
  readonly #magic: Buffer;
  readonly #reader = new FrameReader(handshakeFrameBytesMax);
  /** What has come of the preamble; null when it has been recognised. */
  #preamble: Buffer | null = Buffer.alloc(0);
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(stream: ByteStream, magic: Buffer) {
    this.#magic = magic;
    stream.receive({
      onData: (chunk) => this.#take(chunk),
      onDrain: () => {},
      onClose: (error) => {
        const how = error === undefined ? 'the other side closed' : error.message;
        this.fail(new Refusal('half', 'CONNECTION_LOST', `${how} before the handshake was through`));
      },
    });
  }

  /** The next frame, which must be of this kind. Rejects with what went wrong first. */
  async next(kind: FrameKind): Promise<Frame> {
    for (;;) {
      const frame = this.#preamble === null ? this.#readFrame() : undefined;
      if (frame?.kind === kind) return frame;
      if (frame?.kind === 'refusal') throw decodeRefusal(frame.body);
      if (frame !== undefined)
        throw new Refusal('garbage', 'PROTOCOL', `${frame.kind} where ${kind} was due`);
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nothing more will come; what already came is still handed out. The first reason is the one that is kept. */
  fail(reason: Error): void {
    this.#failure ??= reason;
    this.#wake();
  }

  /** The handshake is through: the reader with what follows it. */
  handOver(): FrameReader {
    return this.#reader;
  }

  #readFrame(): Frame | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      throw asRefusal(error);
    }
  }

  #take(chunk: Uint8Array): void {
    if (this.#preamble === null) {
      this.#reader.push(chunk);
    } else {
      this.#recognise(Buffer.concat([this.#preamble, chunk]));
    }
    if (this.#reader.pendingBytes > waitingBytesMax) {
      this.fail(new Refusal('oversized', 'TOO_LARGE', 'too much was sent before the handshake was through'));
    }
    this.#wake();
  }

  #recognise(bytes: Buffer): void {
    const length = Math.min(bytes.length, this.#magic.length);
    if (!bytes.subarray(0, length).equals(this.#magic.subarray(0, length))) {
      this.fail(new Refusal('garbage', 'PROTOCOL', `${guess(bytes)} instead of rollcall RPC`));
    } else if (bytes.length < this.#magic.length) {
      this.#preamble = bytes;
    } else {
      this.#preamble = null;
      this.#reader.push(bytes.subarray(this.#magic.length));
    }
  }
}

/** The usual wrong callers, by name. */
function guess(bytes: Buffer): string {
  if (bytes[0] === 0x16) return 'TLS';
  if (/^[A-Z]{3,7} ?/.test(bytes.toString('latin1', 0, 8)) && !bytes.toString('latin1').startsWith('ROLL')) {
    return 'HTTP or another text protocol';
  }
  if (bytes.toString('latin1', 0, 4) === 'ROLL') return `version ${bytes[4]} of the handshake`;
  return 'unknown bytes';
}
