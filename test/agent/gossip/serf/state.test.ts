import { expect, test } from 'vitest';
import type { UserEvent } from '../../../../agent/gossip/membership.ts';
import { Answers } from '../../../../agent/gossip/serf/answers.ts';
import { Intents } from '../../../../agent/gossip/serf/intents.ts';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';
import { encodeState, everything, mergeState, type StateParts } from '../../../../agent/gossip/serf/state.ts';
import { UserEvents } from '../../../../agent/gossip/serf/user-events.ts';
import { decodeSerf } from '../../../../proto/gossip/serf.ts';
import { stage } from '../stage.ts';

function make(names: readonly string[] = ['web', 'db']) {
  const scene = stage();
  const { meet, parts } = scene;
  for (const name of names) meet(name);
  const clocks = { members: new LamportClock(), events: new LamportClock(), queries: new LamportClock() };
  const delivered: UserEvent[] = [];
  const ignore = () => {};
  const state: StateParts = {
    clocks,
    roll: parts.roll,
    intents: new Intents({
      parts,
      clock: clocks.members,
      roll: parts.roll,
      reports: { onLeft: ignore, onPruned: ignore, onWrongAboutUs: ignore },
    }),
    events: new UserEvents({
      config: parts.config,
      clock: clocks.events,
      counters: parts.counters,
      deliver: (event) => delivered.push(event),
    }),
    answers: new Answers({ parts, clock: clocks.queries, onQuery: ignore }),
  };
  const status = (name: string) => parts.roll.status(parts.records.numberOf(name)!);
  return { ...scene, state, delivered, status };
}

test('a state carries clocks, what was last said of each member, who left, and recent events', () => {
  const { meet, parts, state } = make();
  const gone = meet('gone');
  parts.roll.setLtime(gone.number, 7);
  parts.roll.setStatus(gone.number, 'left');
  state.events.fire('deploy', Buffer.from('v1'), false);
  state.clocks.members.witness(9);
  const { message } = decodeSerf(encodeState(state, everything));
  expect(message).toMatchObject({
    ltime: 10,
    eventLtime: 2,
    queryLtime: 1,
    leftMembers: ['gone'],
    events: [{ ltime: 1, events: [{ name: 'deploy' }] }],
  });
  expect(message?.type === 'serf.pushPull' && message.statusLtimes.get('gone')).toBe(7);
});

test('a part of it names only whom it is asked for', () => {
  const { state } = make();
  state.events.fire('deploy', new Uint8Array(0), false);
  const encoded = encodeState(state, { includes: ({ name }) => name === 'db', events: false });
  const { message } = decodeSerf(encoded);
  expect(message?.type === 'serf.pushPull' && [...message.statusLtimes.keys()]).toEqual(['db']);
  expect(message).toMatchObject({ events: [] });
});

// Gossip-wire 16.3.
test('merging follows the clocks, takes over who left and joined, and delivers what was missed', () => {
  const one = make();
  const web = one.parts.records.numberOf('web')!;
  one.parts.roll.setLtime(web, 5);
  one.parts.roll.setStatus(web, 'left');
  one.parts.roll.setLtime(one.parts.records.numberOf('db')!, 6);
  one.state.clocks.members.witness(20);
  one.state.events.fire('deploy', new Uint8Array(0), false);
  const other = make();
  other.parts.roll.setStatus(other.parts.records.numberOf('db')!, 'leaving');
  expect(mergeState(other.state, encodeState(one.state, everything), false)).toBe(true);
  expect(other.status('web')).toBe('leaving');
  expect(other.status('db')).toBe('alive');
  expect(other.state.clocks.members.next).toBe(21);
  expect(other.delivered).toMatchObject([{ name: 'deploy', ltime: 1 }]);
});

test('a newcomer takes over the clocks, but not the past', () => {
  const one = make();
  one.state.events.fire('deploy', new Uint8Array(0), false);
  const other = make();
  mergeState(other.state, encodeState(one.state, everything), true);
  expect(other.delivered).toEqual([]);
  expect(other.state.clocks.events.next).toBe(2);
});

test('anything else is no state', () => {
  const { state } = make();
  expect(mergeState(state, Uint8Array.of(3, 0x80), false)).toBe(false);
  expect(mergeState(state, Uint8Array.of(2, 0xc1), false)).toBe(false);
});
