import { expect, test } from 'vitest';
import { type CheckNews, checkEventName, encodeCheckNews } from '../../agent/check-news.ts';
import type { MembershipChange, UserEvent } from '../../agent/gossip/membership.ts';
import { LocalEvents, localEventsKept } from '../../agent/local-events.ts';
import { localEvent } from '../../proto/schema/local-event.ts';
import { VirtualClock } from '../sim/clock.ts';
import { member } from './http/stage.ts';

const news: CheckNews = {
  node: 'web-2',
  service: '',
  check: 'http',
  from: 'passing',
  to: 'critical',
  cause: 'check',
  output: 'HTTP 503',
  observedAtMs: Date.UTC(2026, 0, 1),
  omitted: 2,
};

function userEvent(name: string, payload: Uint8Array | string): UserEvent {
  return { name, payload: Buffer.from(payload), ltime: 1, coalesce: false };
}

const told = (change: Partial<CheckNews> = {}) =>
  userEvent(checkEventName, encodeCheckNews({ ...news, ...change })!);

function change(
  kind: MembershipChange['kind'],
  dossier: MembershipChange['dossier'] = null,
): MembershipChange {
  return { kind, member: member('web-3'), dossier };
}

test('a check of another agent: the record of the log without its number', () => {
  const events = new LocalEvents(new VirtualClock());
  events.receiveUserEvent(told());
  const [record] = events.list();
  expect(localEvent.parse(record)).toEqual(record);
  expect(record).toMatchObject({
    Schema: 1,
    Time: '2026-01-01T00:00:00.000Z',
    ObservedAt: '2026-01-01T00:00:00.000Z',
    Kind: 'check.changed',
    Node: 'web-2',
    Check: 'http',
    From: 'passing',
    To: 'critical',
    Output: 'HTTP 503',
    Cause: 'check',
    Omitted: 2,
  });
  expect(record).not.toHaveProperty('Offset');
});

test('members as this agent sees them, with the evidence of its own verdict', () => {
  const events = new LocalEvents(new VirtualClock());
  for (const kind of ['joined', 'updated', 'failed', 'recovered', 'left', 'reaped'] as const) {
    events.receiveChange(change(kind, kind === 'failed' ? { judge: 'web-1' } : null));
  }
  const seen = events.list().map(({ Kind, Node, From, To, Evidence }) => [Kind, Node, From, To, Evidence]);
  expect(seen).toEqual([
    ['node.joined', 'web-3', '', 'alive', null],
    ['node.failed', 'web-3', 'alive', 'failed', { judge: 'web-1' }],
    ['node.recovered', 'web-3', 'failed', 'alive', null],
    ['node.left', 'web-3', '', 'left', null],
    ['node.reaped', 'web-3', '', '', null],
  ]);
});

test('an agent whose main thread stands still is told of by its gossip', () => {
  const events = new LocalEvents(new VirtualClock());
  events.receiveUserEvent(userEvent('rollcall:agent-stalled', '{"Node":"web-2","Ms":5000}'));
  events.receiveUserEvent(userEvent('rollcall:agent-resumed', '{"Node":"web-2","Ms":12000}'));
  expect(events.list().map(({ Kind, Output }) => [Kind, Output])).toEqual([
    ['agent.stalled', 'this agent has stood still for 5 s while its gossip goes on'],
    ['agent.stalled', 'this agent runs again after 12 s'],
  ]);
});

test('user events of others are none of these, and garbage is counted', () => {
  const events = new LocalEvents(new VirtualClock());
  events.receiveUserEvent(userEvent('deploy', 'v1'));
  expect(events.counts()).toEqual({ heard: 0, unreadable: 0 });
  events.receiveUserEvent(userEvent(checkEventName, 'no json'));
  events.receiveUserEvent(userEvent('rollcall:agent-stalled', '{"Node":""}'));
  events.receiveUserEvent(userEvent('rollcall:of-the-future', '{"Node":"a","Ms":1}'));
  expect(events.counts()).toEqual({ heard: 0, unreadable: 3 });
});

test('a follower hears what comes from then on; one that is too slow is told what it missed', async () => {
  const events = new LocalEvents(new VirtualClock());
  events.receiveUserEvent(told({ check: 'before' }));
  const abort = new AbortController();
  const follower = events.follow(abort.signal);
  const first = follower.next();
  events.receiveUserEvent(told({ check: 'now' }));
  expect((await first).value).toMatchObject({ Check: 'now' });
  for (let number = 0; number < localEventsKept + 5; number++) {
    events.receiveUserEvent(told({ check: `c${number}` }));
  }
  expect(events.list()).toHaveLength(localEventsKept);
  expect((await follower.next()).value).toEqual({ missed: 5 });
  expect((await follower.next()).value).toMatchObject({ Check: 'c5' });
  const rest: unknown[] = [];
  while (rest.length < localEventsKept - 1) rest.push((await follower.next()).value);
  expect(rest.at(-1)).toMatchObject({ Check: `c${localEventsKept + 4}` });
  const waiting = follower.next();
  abort.abort();
  expect(await waiting).toEqual({ value: undefined, done: true });
});
