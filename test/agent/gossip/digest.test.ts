import { expect, test } from 'vitest';
import {
  bucketOf,
  decodeSums,
  difference,
  digestOf,
  encodeSums,
  isSelected,
  sumsOf,
} from '../../../agent/gossip/digest.ts';
import { LamportClock } from '../../../agent/gossip/serf/lamport.ts';
import { UserEvents } from '../../../agent/gossip/serf/user-events.ts';
import { stage } from './stage.ts';

function table(names: readonly string[]) {
  const { meet, parts } = stage();
  for (const name of names) meet(name);
  const events = new UserEvents({
    config: parts.config,
    clock: new LamportClock(),
    counters: parts.counters,
    deliver: () => {},
  });
  const number = (name: string) => parts.records.numberOf(name)!;
  return { parts, events, number, sums: () => sumsOf(parts.members, parts.roll, events) };
}

const names = Array.from({ length: 50 }, (_, index) => `n${index}`);

test('equal tables have equal digests, whatever the order in which they were learned', () => {
  const one = table(names);
  const other = table([...names].reverse());
  expect(digestOf(other.sums())).toEqual(digestOf(one.sums()));
  expect(digestOf(one.sums())).toHaveLength(8);
});

test('whatever a full exchange would carry changes the digest and its own bucket only', () => {
  const { events, number, parts, sums } = table(names);
  const changes: [string, () => void][] = [
    ['n1', () => parts.members.mark(number('n1'), 'suspect', 1, 0)],
    ['n1', () => parts.members.mark(number('n1'), 'dead', 2, 0)],
    ['n2', () => parts.roll.setLtime(number('n2'), 5)],
    ['n3', () => parts.roll.setStatus(number('n3'), 'left')],
  ];
  for (const [name, change] of changes) {
    const before = sums();
    change();
    const { buckets, events: eventsToo } = difference(before, sums());
    const selected = names.filter((other) => isSelected(buckets, parts.roll.record(number(other))));
    expect(selected).toContain(name);
    expect(new Set(selected.map((other) => bucketOf(parts.roll.record(number(other))))).size).toBe(1);
    expect(eventsToo).toBe(false);
  }
  const before = sums();
  events.fire('deploy', new Uint8Array(0), false);
  expect(difference(before, sums()).events).toBe(true);
});

test('sums survive the way there and back, and other bytes are none', () => {
  const sums = table(names).sums();
  expect(decodeSums(encodeSums(sums))).toEqual(sums);
  expect(decodeSums(new Uint8Array(12))).toBeUndefined();
});
