/**
 * Frames are how many conversations share one byte stream: each names its kind and the conversation it belongs to.
 *
 *     length  u32   bytes that follow: 5 + body
 *     kind    u8
 *     id      u32   number of the call or stream, given by the side that started it; 0 where it does not apply
 *     body          a value of `proto/codec.ts`, or nothing
 *
 * All numbers are big endian. Memory is taken as bytes arrive, never on the word of a length field.
 */
import { ExpectedError } from '../../proto/errors.ts';

/** The numbers are the wire format: they may be added to, never given a new meaning. */
export const frameKinds = {
  hello: 1,
  proof: 2,
  refusal: 3,
  call: 4,
  answer: 5,
  failure: 6,
  notice: 7,
  open: 8,
  item: 9,
  credit: 10,
  end: 11,
  cancel: 12,
  ping: 13,
  pong: 14,
  cluster: 15,
  goodbye: 16,
} as const;

export type FrameKind = keyof typeof frameKinds;

const kindNames = new Map<number, FrameKind>(
  Object.entries(frameKinds).map(([name, number]) => [number, name as FrameKind]),
);

const lengthBytes = 4;
const kindAndIdBytes = 5;
export const headerBytes = lengthBytes + kindAndIdBytes;

/** A whole catalog of a hundred thousand checks must fit into one answer. */
export const frameBytesMax = 64 * 1024 * 1024;
/** Before the handshake is through, a stranger gets no more of our memory than this. */
export const handshakeFrameBytesMax = 4096;

export interface Frame {
  readonly kind: FrameKind;
  readonly id: number;
  /** A view into what arrived. */
  readonly body: Uint8Array;
}

const nothing = new Uint8Array(0);

/** Throws TOO_LARGE for a body that the other side would refuse. */
export function encodeFrame(kind: FrameKind, id: number, body: Uint8Array = nothing): Uint8Array {
  if (body.length + headerBytes > frameBytesMax) {
    throw new ExpectedError(
      'TOO_LARGE',
      `a message of ${body.length} bytes is larger than the limit of ${frameBytesMax - headerBytes}`,
    );
  }
  const bytes = Buffer.allocUnsafe(headerBytes + body.length);
  bytes.writeUInt32BE(kindAndIdBytes + body.length, 0);
  bytes.writeUInt8(frameKinds[kind], lengthBytes);
  bytes.writeUInt32BE(id, lengthBytes + 1);
  bytes.set(body, headerBytes);
  return bytes;
}

/** Cuts a byte stream into frames. After it has thrown, the stream is beyond repair. */
export class FrameReader {
  #bytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes that the frame under way needs in all; the header alone until its length is known. */
  #wanted = headerBytes;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  set bytesMax(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame, or undefined. Throws PROTOCOL for what is no frame and TOO_LARGE for a giant. */
  next(): Frame | undefined {
    if (this.#bytes < this.#wanted) return undefined;
    let bytes = this.#joined();
    if (this.#wanted === headerBytes) {
      this.#wanted = lengthBytes + this.#checkedLength(bytes);
      if (this.#bytes < this.#wanted) return undefined;
      bytes = this.#joined();
    }
    const kind = kindNames.get(bytes.readUInt8(lengthBytes));
    if (kind === undefined) {
      throw new ExpectedError('PROTOCOL', `frame of unknown kind ${bytes.readUInt8(lengthBytes)}`);
    }
    const frame = {
      kind,
      id: bytes.readUInt32BE(lengthBytes + 1),
      body: bytes.subarray(headerBytes, this.#wanted),
    };
    this.#keep(bytes.subarray(this.#wanted));
    return frame;
  }

  /** Everything that has arrived, as one piece: joined once for a frame's header and once for its end. */
  #joined(): Buffer {
    const first = this.#chunks[0]!;
    const whole =
      this.#chunks.length === 1
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [whole];
    return whole;
  }

  #checkedLength(bytes: Buffer): number {
    const length = bytes.readUInt32BE(0);
    if (length < kindAndIdBytes) throw new ExpectedError('PROTOCOL', `frame of impossible length ${length}`);
    if (length + lengthBytes > this.#bytesMax) {
      throw new ExpectedError('TOO_LARGE', `frame of ${length} bytes, the limit is ${this.#bytesMax}`);
    }
    return length;
  }

  #keep(rest: Uint8Array): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    this.#wanted = headerBytes;
  }
}
