/**
 * The seam between RPC and the network: an ordered stream of bytes in both directions. Production uses TCP or
 * TLS (`tcp.ts`, `tls.ts`), tests and the simulator a pipe in memory.
 */
import type { Endpoint } from '../../proto/ports.ts';
import type { Refusal } from './refusal.ts';

export interface ByteStreamEvents {
  onData(chunk: Uint8Array): void;
  /** What had piled up has left: more may be written. */
  onDrain(): void;
  /** Comes exactly once; `error` is missing when the other side ended in good order. */
  onClose(error?: Error): void;
}

export interface ByteStream {
  readonly remote: Endpoint;
  /** Bytes that were written and still wait in this process. */
  readonly bufferedBytes: number;
  /** Begins the delivery of events; whoever takes a stream over calls it again and gets what follows. */
  receive(events: ByteStreamEvents): void;
  /** Never blocks. After the stream is closed it does nothing. */
  write(bytes: Uint8Array): void;
  /** Closes after what was written has left. */
  end(): void;
  /** Closes now; what was not sent is lost. */
  destroy(): void;
}

export interface StreamServer {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: Endpoint;
  /** Accepts no more. Streams that were accepted live on. */
  close(): Promise<void>;
}

/** Told of callers that did not even become a stream. */
export type OnRefused = (remote: Endpoint, refusal: Refusal) => void;

export interface StreamNetwork {
  /** Rejects with CONNECTION_LOST when nobody answers; `signal` gives up. */
  dial(to: Endpoint, signal?: AbortSignal): Promise<ByteStream>;
  /** Rejects with a Node-like error (`EADDRINUSE`, `EADDRNOTAVAIL` …). */
  listen(at: Endpoint, onStream: (stream: ByteStream) => void, onRefused?: OnRefused): Promise<StreamServer>;
}
