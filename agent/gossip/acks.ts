/** Sequence numbers that are out, and who waits for the answer. An ack belongs to whoever sent its number. */
import type { Endpoint } from '../../proto/ports.ts';

export interface AckListener {
  /** The first ack; the number is forgotten afterwards. */
  onAck(payload: Uint8Array | null): void;
  /** A helper heard nothing. */
  onNack?(from: Endpoint): void;
  /** One of our own kind was told by the target's host that nobody is there. */
  onRefusedElsewhere?(witness: string): void;
}

const seqNoMax = 0xffff_ffff;

export class Acks {
  readonly #waiting = new Map<number, AckListener>();
  readonly #waitingMax: number;
  #last = 0;

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  get full(): boolean {
    return this.#waiting.size >= this.#waitingMax;
  }

  expect(listener: AckListener): number {
    this.#last = this.#last === seqNoMax ? 1 : this.#last + 1;
    this.#waiting.set(this.#last, listener);
    return this.#last;
  }

  forget(seqNo: number): void {
    this.#waiting.delete(seqNo);
  }

  /** False for an ack that nobody waits for (any more). */
  receiveAck(seqNo: number, payload: Uint8Array | null): boolean {
    const listener = this.#waiting.get(seqNo);
    if (listener === undefined) return false;
    this.#waiting.delete(seqNo);
    listener.onAck(payload);
    return true;
  }

  receiveNack(seqNo: number, from: Endpoint): void {
    this.#waiting.get(seqNo)?.onNack?.(from);
  }

  receiveRefusal(seqNo: number, witness: string): void {
    this.#waiting.get(seqNo)?.onRefusedElsewhere?.(witness);
  }
}
