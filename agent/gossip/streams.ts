/**
 * TCP as the core sees it: one exchange for each connection. The client sends one message; the server answers with
 * at most one and closes. The shell owns sockets, deadlines and limits; the core reads and answers, and never waits.
 */
import type { Endpoint } from '../../proto/ports.ts';

/**
 * Why a stream ended before its reader was done. `refused` is a host that answers without a process behind the
 * port; `unreachable` says that the network knows no way there; `closed` is the other side hanging up.
 */
export type StreamFailure = 'refused' | 'unreachable' | 'timeout' | 'closed' | 'error';

/** `reply` is sent before the stream is closed; a client has nothing to reply. */
export type StreamStep =
  | { readonly done: false }
  | { readonly done: true; readonly reply: Uint8Array | null };

export const streamMore: StreamStep = { done: false };
export const streamDone: StreamStep = { done: true, reply: null };

/** Reads one side of a stream, in pieces of any size. Ends with a done step or one `fail`, never with both. */
export interface StreamReader {
  /** Client only: the other side has taken the connection. */
  open?(): void;
  receive(bytes: Uint8Array): StreamStep;
  fail(reason: StreamFailure): void;
}

/** The client side, offered by the shell. */
export interface Streams {
  /**
   * Connects, sends `request` and hands what comes back to the reader; the time of all that is limited to
   * `timeoutMs`. The reader is never called within this call. Without a reader the stream is closed when the
   * request is sent.
   */
  exchange(to: Endpoint, request: Uint8Array, timeoutMs: number, reader: StreamReader | null): void;
}
