/**
 * Puts into etcd over gRPC, as lean as a client can be: HTTP/2 frames over bare sockets, the same header block each time, a
 * protobuf message written by hand. Node's own HTTP/2 client would be the bottleneck of what is measured. Reference:
 * RFC 9113 (frames, flow control), RFC 7541 (literals without indexing), and the wire format of gRPC.
 */
import { connect, type Socket } from 'node:net';

const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
const acknowledged = 0x1;
const endStream = 0x1;
const endHeaders = 0x4;
const frameHeaderBytes = 9;
/** What HTTP/2 grants before anybody has said anything. */
const windowBytes = 65_535;
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** `key` and `value` of an etcd PutRequest. */
export interface Put {
  readonly key: string;
  readonly value: string;
}

export class GrpcClient {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  /** By stream: what to call when it has ended, and whether an answer has come. */
  readonly #open = new Map<number, { readonly done: (ok: boolean) => void; answered: boolean }>();
  #nextStream = 1;
  /** Bytes that the server is willing to take on this connection. */
  #credit = windowBytes;
  #waiting: Buffer[] = [];
  #parts: Buffer[] = [];
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#headers = Buffer.concat([
      Buffer.from([0x83, 0x86]), // :method POST, :scheme http
      literal([0x04], '/etcdserverpb.KV/Put'), // :path
      literal([0x01], authority), // :authority
      literal([0x0f, 0x10], 'application/grpc'), // content-type
      literal([0x00, ...text('te')], 'trailers'),
    ]);
    socket.on('data', (chunk) => this.#receive(chunk));
  }

  static connect(host: string, port: number): Promise<GrpcClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () => {
        const client = new GrpcClient(socket, `${host}:${port}`);
        const window = Buffer.alloc(4);
        window.writeUInt32BE(2 ** 31 - 1 - windowBytes);
        const hello = [preface, frame(frameType.settings, 0, 0), frame(frameType.windowUpdate, 0, 0, window)];
        socket.write(Buffer.concat(hello));
        resolve(client);
      });
      socket.on('error', reject);
    });
  }

  /** Leaves with everything else that is put in the same turn; `done` is called when the server has answered. */
  put({ key, value }: Put, done: (ok: boolean) => void): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#open.set(stream, { done, answered: false });
    const message = Buffer.concat([field(1, key), field(2, value)]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#queue(frame(frameType.headers, endHeaders, stream, this.#headers));
    this.#waiting.push(frame(frameType.data, endStream, stream, Buffer.concat([prefix, message])));
    this.#sendWithinCredit();
  }

  close(): void {
    this.#socket.destroy();
  }

  #queue(part: Buffer): void {
    if (this.#parts.push(part) > 1) return;
    process.nextTick(() => this.#socket.write(Buffer.concat(this.#parts.splice(0))));
  }

  #sendWithinCredit(): void {
    while (this.#waiting[0] !== undefined) {
      const bytes = this.#waiting[0].length - frameHeaderBytes;
      if (bytes > this.#credit) return;
      this.#credit -= bytes;
      this.#queue(this.#waiting.shift()!);
    }
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    while (at + frameHeaderBytes <= bytes.length) {
      const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5);
      this.#take(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + frameHeaderBytes, end));
      at = end;
    }
    this.#received = bytes.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const call = this.#open.get(stream);
    switch (type) {
      case frameType.data:
        if (call !== undefined) call.answered = true;
        return;
      case frameType.headers:
        // An error comes as trailers alone.
        if ((flags & endStream) !== 0) this.#end(stream, call?.answered ?? false);
        return;
      case frameType.reset:
        this.#end(stream, false);
        return;
      case frameType.settings:
      case frameType.ping:
        if ((flags & acknowledged) !== 0) return;
        this.#queue(frame(type, acknowledged, 0, type === frameType.ping ? payload : undefined));
        return;
      case frameType.windowUpdate:
        if (stream !== 0) return;
        this.#credit += payload.readUInt32BE(0);
        this.#sendWithinCredit();
        return;
      case frameType.goAway:
        throw new Error(`the server ends the connection: ${payload.toString('latin1', 8)}`);
    }
  }

  #end(stream: number, ok: boolean): void {
    const call = this.#open.get(stream);
    this.#open.delete(stream);
    call?.done(ok);
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** Length and bytes of a short text, as HPACK has them without Huffman's code. */
function text(value: string): number[] {
  return [value.length, ...Buffer.from(value)];
}

function literal(name: readonly number[], value: string): Buffer {
  return Buffer.from([...name, ...text(value)]);
}

/** A protobuf field of bytes; at most 16,383 of them. */
function field(number: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  const { length } = bytes;
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), bytes]);
}
