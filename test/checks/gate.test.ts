import { expect, test } from 'vitest';
import { Gate } from '../../checks/gate.ts';

function gate(runsMax = 3) {
  return new Gate({ runsMax, runsMaxByClass: { process: 1, network: 2, host: 2 } });
}

test('runs start at once while there is room, and in order of arrival after that', () => {
  const doors = gate();
  const started: string[] = [];
  const first = doors.enter('network', () => started.push('a'));
  doors.enter('network', () => started.push('b'));
  doors.enter('network', () => started.push('c'));
  doors.enter('network', () => started.push('d'));
  expect(started).toEqual(['a', 'b']);
  expect([doors.running, doors.waiting]).toEqual([2, 2]);
  first.leave();
  expect(started).toEqual(['a', 'b', 'c']);
});

test('a full class does not hold up the others', () => {
  const doors = gate();
  const started: string[] = [];
  doors.enter('process', () => started.push('script 1'));
  doors.enter('process', () => started.push('script 2'));
  doors.enter('network', () => started.push('url'));
  expect(started).toEqual(['script 1', 'url']);
});

test('the limit over all classes holds, and the longest waiting goes first', () => {
  const doors = gate(2);
  const started: string[] = [];
  const first = doors.enter('network', () => started.push('url 1'));
  doors.enter('network', () => started.push('url 2'));
  doors.enter('host', () => started.push('disk'));
  doors.enter('network', () => started.push('url 3'));
  first.leave();
  expect(started).toEqual(['url 1', 'url 2', 'disk']);
});

test('who leaves while waiting never starts, and leaving twice does nothing', () => {
  const doors = gate();
  const started: string[] = [];
  const running = doors.enter('process', () => started.push('a'));
  const waiting = doors.enter('process', () => started.push('b'));
  waiting.leave();
  running.leave();
  running.leave();
  expect(started).toEqual(['a']);
  expect([doors.running, doors.waiting]).toEqual([0, 0]);
});
