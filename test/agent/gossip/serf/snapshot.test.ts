import { expect, test } from 'vitest';
import {
  aliveLine,
  clockLines,
  leaveLine,
  notAliveLine,
  readSnapshot,
  writeSnapshot,
} from '../../../../agent/gossip/serf/snapshot.ts';

// Gossip-wire 18: the format of Serf, so that either can start from the other's file.
test('a file tells who was there at the end, and where the clocks stood', () => {
  const text =
    '# a comment\nalive: web 1 10.0.0.1:7946\nclock: 3\nalive: db [::1]:8301\nalive: gone 10.0.0.9:7946\n' +
    'not-alive: gone\nevent-clock: 8\nquery-clock: 2\ncoordinate: {"old":1}\nclock: 5\n';
  expect(readSnapshot(text)).toEqual({
    alive: new Map([
      ['web 1', { host: '10.0.0.1', port: 7946 }],
      ['db', { host: '::1', port: 8301 }],
    ]),
    clocks: { member: 5, event: 8, query: 2 },
  });
});

test('a goodbye forgets everybody', () => {
  const text = `${aliveLine('web', { host: '10.0.0.1', port: 1 })}${clockLines({ member: 4, event: 4, query: 4 })}${leaveLine}`;
  expect(readSnapshot(text)).toEqual({ alive: new Map(), clocks: { member: 0, event: 0, query: 0 } });
});

test('a line that was cut off, or makes no sense, costs only itself', () => {
  const text =
    'alive: web 10.0.0.1:1\nalive: nowhere\nalive: bad 10.0.0.1:99999999\nclock: many\nalive: cut 10.0.0.2:2';
  const { alive, clocks } = readSnapshot(text);
  expect([...alive.keys()]).toEqual(['web']);
  expect(clocks.member).toBe(0);
  expect(readSnapshot('').alive.size).toBe(0);
});

test('what is written is read back', () => {
  const content = {
    alive: new Map([['web', { host: 'fe80::1', port: 8301 }]]),
    clocks: { member: 1, event: 2, query: 3 },
  };
  expect(readSnapshot(writeSnapshot(content))).toEqual(content);
  expect(readSnapshot(`${writeSnapshot(content)}${notAliveLine('web')}`).alive.size).toBe(0);
});
