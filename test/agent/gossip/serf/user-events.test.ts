import { expect, test } from 'vitest';
import { gossipProfiles } from '../../../../agent/gossip/config.ts';
import { Counters } from '../../../../agent/gossip/counters.ts';
import type { UserEvent } from '../../../../agent/gossip/membership.ts';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';
import { UserEvents } from '../../../../agent/gossip/serf/user-events.ts';
import { decodeSerf } from '../../../../proto/gossip/serf.ts';

function make() {
  const clock = new LamportClock();
  const delivered: UserEvent[] = [];
  const events = new UserEvents({
    config: gossipProfiles.lan,
    clock,
    counters: new Counters(),
    deliver: (event) => delivered.push(event),
  });
  const hear = (name: string, ltime: number, payload = 'x') =>
    events.hear({ type: 'serf.userEvent', name, ltime, payload: Buffer.from(payload), cc: false });
  return { clock, events, delivered, hear };
}

test('an event of our own is delivered here too, under the next time', () => {
  const { events, delivered } = make();
  const encoded = events.fire('deploy', Buffer.from('v1'), true);
  expect(delivered).toMatchObject([{ name: 'deploy', ltime: 1, coalesce: true }]);
  expect(decodeSerf(encoded).message).toMatchObject({
    type: 'serf.userEvent',
    name: 'deploy',
    ltime: 1,
    cc: true,
  });
});

test('an event is delivered once, however often it is heard', () => {
  const { delivered, hear } = make();
  expect([hear('a', 3), hear('a', 3), hear('b', 3), hear('a', 3, 'y')]).toEqual([true, false, true, true]);
  expect(delivered).toHaveLength(3);
});

test('what is older than the ring reaches cannot be told from a repetition, and is left out', () => {
  const { hear } = make();
  expect(hear('now', 1_000)).toBe(true);
  expect(hear('just inside', 1_001 - 512)).toBe(true);
  expect(hear('too old', 1_001 - 513)).toBe(false);
});

test('who has just joined is spared the past', () => {
  const { events, hear } = make();
  events.ignoreBefore(10);
  expect([hear('old', 9), hear('new', 10)]).toEqual([false, true]);
});

test('recent events are handed on and taken over in a full exchange', () => {
  const one = make();
  one.hear('a', 3);
  one.hear('b', 3);
  one.hear('c', 5);
  const other = make();
  other.events.hearRecent([null, ...one.events.recent()]);
  expect(other.delivered.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(other.events.hash).toBe(one.events.hash);
  expect(other.events.hash).not.toBe(make().events.hash);
});

test('what does not fit into a packet is refused with its size', () => {
  const { events, delivered } = make();
  expect(() => events.fire('big', new Uint8Array(600), false)).toThrow('may take 512 bytes');
  expect(delivered).toEqual([]);
});

test('a flood of large events does not fill our memory, and what was forgotten is not taken again', () => {
  const { events, hear } = make();
  const large = 'x'.repeat(9_000);
  for (let i = 0; i < 600; i++) hear(`event ${i}`, 500, large);
  for (let i = 0; i < 600; i++) hear(`event ${i}`, 501, large);
  const kept = events.recent().flatMap((slot) => slot.events);
  expect(kept.length * 9_000).toBeLessThan(4.5 * 1_024 * 1_024);
  expect(hear('event 0', 500, large)).toBe(false);
  expect(hear('monster', 502, 'x'.repeat(10_000))).toBe(false);
});
