/**
 * As many HTTP clients as are wanted, over bare sockets: each sends a request, waits for the answer, sends the next. Node's
 * own client would be the bottleneck of what is measured.
 */
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly host: string;
  readonly port: number;
  readonly clients: number;
  readonly durationMs: number;
  /** Of all clients together; each still waits for its answers. As many as there can be unless told. */
  readonly perSecondMax?: number;
  /** A whole request, headers and body; `serial` is different each time. */
  request(serial: number): string;
}

export interface LoadResult {
  readonly answers: number;
  readonly failures: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const timesMs: number[] = [];
  let failures = 0;
  let serial = 0;
  const startMs = performance.now();
  const endMs = startMs + load.durationMs;
  await Promise.all(
    Array.from({ length: load.clients }, () =>
      runClient(load, endMs, () => serial++, {
        onAnswer: (tookMs, ok) => {
          if (ok) timesMs.push(tookMs);
          else failures++;
        },
      }),
    ),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    answers: sorted.length,
    failures,
    perSecond: sorted.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

interface Reports {
  onAnswer(tookMs: number, ok: boolean): void;
}

function runClient(load: Load, endMs: number, nextSerial: () => number, reports: Reports): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: load.host, port: load.port, noDelay: true });
    const answers = new AnswerReader();
    let sentMs = 0;
    const paceMs = load.perSecondMax === undefined ? 0 : (load.clients / load.perSecondMax) * 1_000;
    let dueMs = performance.now() + Math.random() * paceMs;
    const send = () => {
      const earlyMs = dueMs - performance.now();
      dueMs += paceMs;
      if (earlyMs > 1) setTimeout(sendNow, earlyMs);
      else sendNow();
    };
    const sendNow = () => {
      sentMs = performance.now();
      if (sentMs >= endMs) {
        socket.end();
        resolve();
      } else {
        socket.write(load.request(nextSerial()));
      }
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      const status = answers.push(chunk);
      if (status === null) return;
      reports.onAnswer(performance.now() - sentMs, status === 200);
      send();
    });
    socketEnds(socket, resolve);
  });
}

function socketEnds(socket: Socket, then: () => void): void {
  socket.on('close', then);
}

/** Finds the end of one answer: by its length, or by the last of its chunks. */
class AnswerReader {
  #text = '';

  /** Status when the answer is complete, else null. */
  push(chunk: Buffer): number | null {
    this.#text += chunk.toString('latin1');
    const head = this.#text.indexOf('\r\n\r\n');
    if (head === -1) return null;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1];
    const isComplete =
      length === undefined
        ? this.#text.endsWith('0\r\n\r\n')
        : this.#text.length >= head + 4 + Number(length);
    if (!isComplete) return null;
    const status = Number(this.#text.slice(9, 12));
    this.#text = '';
    return status;
  }
}
