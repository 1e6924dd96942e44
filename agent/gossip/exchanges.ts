/** Streams as messages: one question with at most one answer, sealed and labelled as packets are. */
import type { Opening } from '../../proto/gossip/envelope.ts';
import type { StreamMessage } from '../../proto/gossip/messages.ts';
import type { RefusalReason } from '../../proto/gossip/refusal.ts';
import { encodeStream, errFor, StreamDecoder } from '../../proto/gossip/stream.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Outbox } from './outbox.ts';
import { type StreamFailure, type StreamReader, type Streams, streamDone, streamMore } from './streams.ts';

export type Answer =
  | { readonly message: StreamMessage; readonly failure?: undefined }
  /** In words that stand behind "could not reach …: ". */
  | {
      readonly message?: undefined;
      readonly failure: StreamFailure | 'garbled' | 'rejected';
      readonly detail: string;
    };

export interface ExchangesOptions {
  readonly streams: Streams;
  readonly outbox: Outbox;
  readonly opening: () => Opening;
  /** Somebody sent a stream that we could not read. */
  readonly onRefused: (from: Endpoint, reason: RefusalReason) => void;
}

export class Exchanges {
  readonly #options: ExchangesOptions;

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  /**
   * Asks, and calls back once: with the answer, or with the reason why there is none. Before that, `onOpen` when the
   * connection was taken.
   */
  ask(
    to: Endpoint,
    question: StreamMessage,
    timeoutMs: number,
    onAnswer: (answer: Answer) => void,
    onOpen?: () => void,
  ): void {
    const { streams, opening, onRefused } = this.#options;
    const decoder = new StreamDecoder('server', opening());
    streams.exchange(to, this.#encode(question, 'client'), timeoutMs, {
      ...(onOpen === undefined ? {} : { open: onOpen }),
      receive: (bytes) => {
        const progress = decoder.push(bytes);
        if (progress.state === 'incomplete') return streamMore;
        if (progress.state === 'refused') {
          onRefused(to, progress.reason);
          onAnswer({ failure: 'garbled', detail: unreadable(progress.reason) });
        } else if (progress.message.type === 'err') {
          onAnswer({ failure: 'rejected', detail: `it answered: ${progress.message.error}` });
        } else onAnswer({ message: progress.message });
        return streamDone;
      },
      fail: (failure) => onAnswer({ failure, detail: failureTexts[failure] }),
    });
  }

  /** Says something that has no answer. */
  tell(to: Endpoint, message: StreamMessage, timeoutMs: number): void {
    this.#options.streams.exchange(to, this.#encode(message, 'client'), timeoutMs, null);
  }

  /** The server side: reads one message and lets `serve` answer it. */
  accept(from: Endpoint, serve: (message: StreamMessage) => StreamMessage | null): StreamReader {
    const { opening, onRefused } = this.#options;
    const decoder = new StreamDecoder('client', opening());
    return {
      receive: (bytes) => {
        const progress = decoder.push(bytes);
        if (progress.state === 'incomplete') return streamMore;
        if (progress.state === 'complete') return this.#reply(serve(progress.message));
        onRefused(from, progress.reason);
        return this.#reply(errFor(progress.reason) ?? null);
      },
      fail: () => {
        const reason = decoder.end();
        if (reason !== undefined) onRefused(from, reason);
      },
    };
  }

  #reply(message: StreamMessage | null) {
    return { done: true as const, reply: message === null ? null : this.#encode(message, 'server') };
  }

  #encode(message: StreamMessage, sender: 'client' | 'server'): Uint8Array {
    const { outbox, opening } = this.#options;
    return encodeStream(message, {
      sender,
      label: opening().label,
      compress: false,
      seal: outbox.nextSeal(),
    });
  }
}

const failureTexts: { readonly [failure in StreamFailure]: string } = {
  refused: 'connection refused: nobody listens there',
  unreachable: 'the network knows no way there',
  timeout: 'no answer in time',
  closed: 'it closed the connection without an answer',
  error: 'the connection broke',
};

/** Most answers that cannot be read come from another `encrypt`, and people should not have to guess that. */
function unreadable(reason: RefusalReason): string {
  switch (reason) {
    case 'no-keys':
      return 'it encrypts its gossip and this agent has no key: set encrypt as there';
    case 'not-encrypted':
      return 'it does not encrypt its gossip and this agent does: set encrypt there as here';
    case 'wrong-key':
      return 'it uses another gossip key: set encrypt to the same key on both';
    default:
      return `its answer makes no sense (${reason})`;
  }
}
