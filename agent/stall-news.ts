/** What the gossip of an agent says in its place while its main thread stands still. */
import { isRecord, isText } from '../proto/plain.ts';
import { parsedJson } from './check-news.ts';
import type { UserEvent } from './gossip/membership.ts';
import { resumedEvent, stalledEvent } from './gossip-watch.ts';

export interface StallNews {
  readonly node: string;
  readonly kind: 'stalled' | 'resumed';
  /** For people. */
  readonly text: string;
}

const nameMax = 512;

/** Undefined for what is no such event. */
export function readStallNews({ name, payload }: Pick<UserEvent, 'name' | 'payload'>): StallNews | undefined {
  if (name !== stalledEvent && name !== resumedEvent) return undefined;
  const body = parsedJson(payload);
  if (!isRecord(body)) return undefined;
  const { Node: node, Ms } = body;
  if (!isText(node, 1, nameMax) || typeof Ms !== 'number' || !(Ms >= 0 && Ms < Number.POSITIVE_INFINITY)) {
    return undefined;
  }
  const seconds = `${Math.round(Ms / 1_000)} s`;
  if (name === resumedEvent) return { node, kind: 'resumed', text: `this agent runs again after ${seconds}` };
  return {
    node,
    kind: 'stalled',
    text: `this agent has stood still for ${seconds} while its gossip goes on`,
  };
}
