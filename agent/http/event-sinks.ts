/** Where a listener's records go: an answer of text that does not end, or a WebSocket. */
import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import type { StreamRecord } from '../../proto/schema/event.ts';
import type { LocalRecord } from '../../proto/schema/local-event.ts';
import { type EventBatch, jsonOf, type TextForm, textOf } from './event-text.ts';

export interface EventSink {
  readonly hasRoom: boolean;
  /** False when the socket has enough for now. */
  write(record: StreamRecord): boolean;
  /** All records of a batch. */
  writeBatch(batch: EventBatch): boolean;
  /** Resolves when the socket takes more, or is gone. */
  room(): Promise<void>;
  end(): void;
}

/** Bytes that may wait in this process for one listener. */
const waitingBytesMax = 64 * 1024;

export class TextSink implements EventSink {
  readonly #response: ServerResponse;
  readonly #form: TextForm;
  #corked = false;

  constructor(response: ServerResponse, form: TextForm) {
    this.#response = response;
    this.#form = form;
  }

  /** Records of one turn of the loop leave together. */
  write(record: StreamRecord | LocalRecord): boolean {
    if (!this.#corked) {
      this.#corked = true;
      this.#response.cork();
      setImmediate(() => this.#uncork());
    }
    this.#response.write(textOf(record, this.#form));
    return this.hasRoom;
  }

  writeBatch(batch: EventBatch): boolean {
    this.#response.write(batch.bytes(this.#form));
    return this.hasRoom;
  }

  async room(): Promise<void> {
    while (!this.hasRoom && !this.#response.destroyed) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#response.off('drain', done);
          this.#response.off('close', done);
          resolve();
        };
        this.#response.once('drain', done);
        this.#response.once('close', done);
      });
    }
  }

  end(): void {
    // Newer versions of Node drop what an answer holds corked at its end.
    this.#uncork();
    this.#response.end();
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#response.uncork();
  }

  get hasRoom(): boolean {
    return this.#response.writableLength < waitingBytesMax;
  }
}

/** One record a message. */
export class MessageSink implements EventSink {
  readonly #socket: WebSocket;
  #wake: () => void = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('close', () => this.#wake());
  }

  write(record: StreamRecord): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    // The socket may go away while something is on its way: the listener's right, and no news to us.
    this.#socket.send(jsonOf(record), () => this.#wake());
    return this.hasRoom;
  }

  writeBatch(batch: EventBatch): boolean {
    for (const record of batch.records) this.write(record);
    return this.hasRoom;
  }

  async room(): Promise<void> {
    while (!this.hasRoom && this.#socket.readyState === this.#socket.OPEN) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  end(): void {
    this.#socket.close(1000);
  }

  get hasRoom(): boolean {
    return this.#socket.bufferedAmount < waitingBytesMax;
  }
}
