/**
 * The innermost part of a TCP exchange: one message, read while it arrives (gossip-wire 4). Nothing says how
 * long a message is, so each part tells where the next one begins: type, struct, and for a push/pull the
 * members and the user state that its header announces.
 */
import type { PushNodeState, StreamMessage } from './messages.ts';
import { MsgpackReader } from './msgpack.ts';
import { ValueScanner } from './msgpack-scan.ts';
import {
  messageType,
  type PushPullHeader,
  pushNodeState,
  pushPullHeader,
  readPlain,
  userHeader,
} from './packets.ts';
import { Refusal } from './refusal.ts';
import type { Kind } from './struct.ts';

export interface StreamLimits {
  /** Members in a push/pull. */
  readonly nodesMax: number;
  /** Serf's state in a push/pull, or one user message. */
  readonly userBytesMax: number;
  /** All bytes of one direction as they come, and again after inflating. */
  readonly bytesMax: number;
}

export const streamLimits: StreamLimits = {
  nodesMax: 0x1_0000,
  userBytesMax: 20 * 1024 * 1024,
  bytesMax: 20 * 1024 * 1024,
};

/** One member, one header, one ping: names may be long, but not that long. */
const structBytesMax = 0x1_0000;

const structTypes: ReadonlySet<number> = new Set([messageType.ping, messageType.ackResp, messageType.err]);

/**
 * `read` gets all bytes from the start each time, a longer prefix with every call, and goes on where it
 * stopped. It throws a `Refusal` as soon as no continuation could make it a message.
 */
export class BodyReader {
  readonly #limits: StreamLimits;
  readonly #nodes: PushNodeState[] = [];
  #position = 1;
  #scanner: ValueScanner | undefined;
  #pushPullHeader: PushPullHeader | undefined;
  #userHeader: { readonly length: number } | undefined;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Undefined while the end has not come yet. */
  read(bytes: Uint8Array): StreamMessage | undefined {
    const type = bytes[0];
    if (type === undefined) return undefined;
    if (type === messageType.pushPull) return this.#readPushPull(bytes);
    if (type === messageType.user) return this.#readUser(bytes);
    if (!structTypes.has(type)) throw new Refusal('unknown-type');
    const struct = this.#nextStruct(bytes);
    return struct && (readPlain(type, new MsgpackReader(struct)) as StreamMessage);
  }

  #readPushPull(bytes: Uint8Array): StreamMessage | undefined {
    this.#pushPullHeader ??= this.#next(bytes, pushPullHeader);
    const header = this.#pushPullHeader;
    if (header === undefined) return undefined;
    if (header.nodes > this.#limits.nodesMax) throw new Refusal('too-many');
    while (this.#nodes.length < header.nodes) {
      const node = this.#next(bytes, pushNodeState);
      if (node === undefined) return undefined;
      this.#nodes.push(node);
    }
    const userState = this.#raw(bytes, header.userStateLength);
    return userState && { type: 'pushPull', join: header.join, nodes: this.#nodes, userState };
  }

  #readUser(bytes: Uint8Array): StreamMessage | undefined {
    this.#userHeader ??= this.#next(bytes, userHeader);
    const header = this.#userHeader;
    if (header === undefined) return undefined;
    if (header.length === 0) throw new Refusal('empty');
    const payload = this.#raw(bytes, header.length);
    return payload && { type: 'user', payload };
  }

  #next<T>(bytes: Uint8Array, kind: Kind<T>): T | undefined {
    const struct = this.#nextStruct(bytes);
    return struct && kind.read(new MsgpackReader(struct));
  }

  /** The bytes of the next struct once all of them are there. */
  #nextStruct(bytes: Uint8Array): Uint8Array | undefined {
    this.#scanner ??= new ValueScanner(this.#position, structBytesMax);
    const end = this.#scanner.scan(bytes);
    if (end < 0) return undefined;
    const struct = bytes.subarray(this.#position, end);
    this.#position = end;
    this.#scanner = undefined;
    return struct;
  }

  #raw(bytes: Uint8Array, length: number): Uint8Array | undefined {
    if (length > this.#limits.userBytesMax) throw new Refusal('too-large');
    const end = this.#position + length;
    return bytes.length < end ? undefined : bytes.subarray(this.#position, end);
  }
}
