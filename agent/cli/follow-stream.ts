/**
 * A stream of records, one JSON object a line, that never ends: a lost connection is opened again, after a while that
 * grows, with whatever the request is by then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../proto/errors.ts';
import { type Api, parseJson, type Query, Refused, Unreachable } from './api.ts';
import { Exit } from './io.ts';
import { linesOf } from './lines.ts';

/** A quiet stream says something every 15 s; three times as long without a word is a lost connection. */
const idleTimeoutMs = 45_000;
const retryMsMin = 200;
const retryMsMax = 5_000;

export interface StreamRequest {
  readonly path: string;
  readonly query: Query;
  /** What is said when it is open again after a loss. */
  readonly resumed: string;
}

export interface FollowStreamOptions {
  /** Called once when the connection is lost and once when it is back. */
  onChange(message: string): Promise<void>;
  /** Waits this long; a test has no time to lose. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** Throws what makes no sense to try again, and whatever goes wrong before the first connection. */
export async function* followStream<Item extends object>(
  api: Api,
  request: () => StreamRequest,
  options: FollowStreamOptions,
): AsyncGenerator<Item> {
  const { wait = sleep } = options;
  let connectedOnce = false;
  let lost = false;
  let retryMs = retryMsMin;
  for (;;) {
    let reason = 'the agent ended the stream';
    try {
      const { path, query, resumed } = request();
      const answer = await api.open(path, query, { accept: 'application/x-ndjson', idleTimeoutMs });
      connectedOnce = true;
      if (lost) await options.onChange(resumed);
      lost = false;
      for await (const line of linesOf(answer.body)) {
        retryMs = retryMsMin;
        const record = parseJson<Item>(line, api.base);
        yield record;
        reason = reasonIn(record) ?? reason;
      }
    } catch (error) {
      if (!connectedOnce || !isPassing(error)) throw error;
      reason = messageOf(error);
    }
    if (!lost) await options.onChange(`${reason}; trying again`);
    lost = true;
    // Half of the time is drawn, so that many listeners do not come back at once.
    await wait(retryMs / 2 + (Math.random() * retryMs) / 2);
    retryMs = Math.min(2 * retryMs, retryMsMax);
  }
}

/** An error record is the last word of a stream. */
function reasonIn(record: object): string | undefined {
  const { Error: error } = record as { Error?: { Message?: string } };
  return error?.Message;
}

/** A broken connection and an agent without servers pass; a request that is wrong stays wrong. */
function isPassing(error: unknown): boolean {
  if (error instanceof Refused) return error.status >= 500;
  if (error instanceof Unreachable) return true;
  // What breaks in the middle of a body is thrown by the stream itself.
  return !(error instanceof Exit) && (error as { code?: unknown }).code !== undefined;
}
