/**
 * A change of a check as the payload of a user event: JSON with the keys of an event record, without those that are
 * empty, so that a handler of a stock Serf agent can read it too. Cut to what a user event may hold; the end of the
 * output goes first.
 */
import { isOneOf, isRecord, isText, isWhole } from '../proto/plain.ts';
import { checkStatuses } from '../proto/schema/words.ts';
import type { StatusCause } from './local-state.ts';
import { ownEventPrefix } from './user-events.ts';

export const checkEventName = `${ownEventPrefix}check`;

export interface CheckNews {
  readonly node: string;
  readonly service: string;
  readonly check: string;
  readonly from: string;
  readonly to: string;
  readonly cause: StatusCause;
  readonly output: string;
  /** Unix milliseconds. */
  readonly observedAtMs: number;
  /** Changes that this agent left out since the news before. */
  readonly omitted: number;
}

/** Of the 512 bytes of a user event its name and the envelope around both take at most 64. */
export const newsBytesMax = 448;
/** No name or id on the way is longer. */
const textMax = 512;
const cutMark = '…';

const causes = ['check', 'ttl', 'stale', 'operator'] as const satisfies readonly StatusCause[];
/** The last moment that a date can name, Unix milliseconds. */
const timeMsMax = 8_640_000_000_000_000;

/** Undefined when names and ids alone are longer than a user event may be. */
export function encodeCheckNews(news: CheckNews): Uint8Array | undefined {
  const facts = {
    Node: news.node,
    ...(news.service === '' ? {} : { Service: news.service }),
    Check: news.check,
    From: news.from,
    To: news.to,
    Cause: news.cause,
    At: Math.round(news.observedAtMs),
    ...(news.omitted === 0 ? {} : { Omitted: news.omitted }),
  };
  const room = newsBytesMax - jsonBytes({ ...facts, Output: '' });
  if (room < 0) return undefined;
  const output = cut(news.output, room);
  return Buffer.from(JSON.stringify(output === '' ? facts : { ...facts, Output: output }), 'utf8');
}

/** Undefined for what is no such payload. Keys that it does not know are passed over. */
export function decodeCheckNews(payload: Uint8Array): CheckNews | undefined {
  const body = parsedJson(payload);
  if (!isRecord(body)) return undefined;
  const { Node, Service = '', Check, From, To, Cause, At, Omitted = 0, Output = '' } = body;
  if (!isText(Node, 1, textMax) || !isText(Service, 0, textMax) || !isText(Check, 1, textMax))
    return undefined;
  if (!isOneOf(From, checkStatuses) || !isOneOf(To, checkStatuses) || !isOneOf(Cause, causes))
    return undefined;
  if (!isWhole(At, 0, timeMsMax) || !isWhole(Omitted, 0) || !isText(Output, 0, textMax)) return undefined;
  return {
    node: Node,
    service: Service,
    check: Check,
    from: From,
    to: To,
    cause: Cause,
    output: Output,
    observedAtMs: At,
    omitted: Omitted,
  };
}

/** The beginning that takes at most so many bytes as a part of a JSON string, its end marked when it was cut. */
function cut(output: string, bytesMax: number): string {
  if (output.length <= bytesMax && partBytes(output) <= bytesMax) return output;
  let left = bytesMax - partBytes(cutMark);
  let kept = '';
  for (const character of output) {
    left -= partBytes(character);
    if (left < 0) break;
    kept += character;
  }
  return kept === '' ? '' : kept + cutMark;
}

/** Bytes within the quotes of a JSON string. */
function partBytes(part: string): number {
  return jsonBytes(part) - 2;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8');
}

export function parsedJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
}
