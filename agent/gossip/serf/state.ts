/** Serf's share of a full exchange: clocks, what was last said about each member, recent events. */
import type { SerfPushPull } from '../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import type { MemberRecord } from '../records.ts';
import type { Answers } from './answers.ts';
import type { Intents } from './intents.ts';
import type { LamportClock } from './lamport.ts';
import type { Roll } from './roll.ts';
import type { UserEvents } from './user-events.ts';

export interface SerfClocks {
  readonly members: LamportClock;
  readonly events: LamportClock;
  readonly queries: LamportClock;
}

export interface StateParts {
  readonly clocks: SerfClocks;
  readonly roll: Roll;
  readonly intents: Intents;
  readonly events: UserEvents;
  readonly answers: Answers;
}

/** Which members a state speaks of, and whether recent events come along. */
export interface StateScope {
  readonly includes: (record: MemberRecord) => boolean;
  readonly events: boolean;
}

export const everything: StateScope = { includes: () => true, events: true };

export function encodeState({ clocks, roll, events }: StateParts, scope: StateScope): Uint8Array {
  const statusLtimes = new Map<string, number>();
  const leftMembers: string[] = [];
  for (const number of roll.numbers()) {
    const record = roll.record(number);
    if (!scope.includes(record)) continue;
    statusLtimes.set(record.name, roll.ltime(number));
    if (roll.isLeftForGood(number)) leftMembers.push(record.name);
  }
  return encodeSerf({
    type: 'serf.pushPull',
    ltime: clocks.members.next,
    eventLtime: clocks.events.next,
    queryLtime: clocks.queries.next,
    statusLtimes,
    leftMembers,
    events: scope.events ? events.recent() : [],
  });
}

/** False when the bytes are no Serf state. `skipOldEvents`: we have just come, and the past is not for us. */
export function mergeState(parts: StateParts, encoded: Uint8Array, skipOldEvents: boolean): boolean {
  const { message } = decodeSerf(encoded);
  if (message?.type !== 'serf.pushPull') return false;
  witness(parts.clocks, message);
  hearIntents(parts.intents, message);
  if (skipOldEvents) {
    parts.events.ignoreBefore(message.eventLtime);
    parts.answers.ignoreBefore(message.queryLtime);
  }
  parts.events.hearRecent(message.events);
  return true;
}

/** The other side sends the times that it will use next; those before them are the ones in use. */
export function witness(
  { members, events, queries }: SerfClocks,
  state: Pick<SerfPushPull, 'ltime' | 'eventLtime' | 'queryLtime'>,
): void {
  if (state.ltime > 0) members.witness(state.ltime - 1);
  if (state.eventLtime > 0) events.witness(state.eventLtime - 1);
  if (state.queryLtime > 0) queries.witness(state.queryLtime - 1);
}

/** Where the other side stands with each member, as the intents that would have led there. They are not passed on. */
function hearIntents(intents: Intents, { leftMembers, statusLtimes }: SerfPushPull): void {
  const left = new Set(leftMembers);
  for (const node of left) {
    const ltime = (statusLtimes.get(node) ?? 0) + 1;
    intents.hear({ type: 'serf.leave', ltime, node, prune: false });
  }
  for (const [node, ltime] of statusLtimes) {
    if (!left.has(node)) intents.hear({ type: 'serf.join', ltime, node });
  }
}
