import { expect, test } from 'vitest';
import { VirtualClock } from './clock.ts';
import { VirtualProcess } from './process.ts';

function make() {
  const world = new VirtualClock();
  const process = new VirtualProcess(world);
  const log: string[] = [];
  const note = (what: string) => () => log.push(`${what} at ${world.nowMs()}`);
  return { world, process, log, note };
}

test('a running process has its timers and packets in time', () => {
  const { world, process, log, note } = make();
  process.after(10, note('timer'));
  process.after(5, note('cancelled')).cancel();
  process.deliver(note('packet'));
  world.runFor(20);
  expect(log).toEqual(['packet at 0', 'timer at 10']);
  expect([process.nowMs(), process.wallMs()]).toEqual([world.nowMs(), world.wallMs()]);
});

test('one that stood still runs its timers first, late, and then reads', () => {
  const { world, process, log, note } = make();
  process.after(10, note('timer'));
  const cancelled = process.after(12, note('cancelled'));
  process.pause();
  expect(process.running).toBe(false);
  process.deliver(note('packet'));
  world.runFor(50);
  cancelled.cancel();
  expect(log).toEqual([]);
  process.resume();
  world.runFor(1);
  expect(log).toEqual(['timer at 50', 'packet at 50']);
});

test('the socket of one that stands still holds only so much', () => {
  const { world, process, log, note } = make();
  process.pause();
  for (let i = 0; i < 2_000; i++) process.deliver(note('packet'));
  process.resume();
  world.runFor(1);
  expect(log).toHaveLength(1_000);
});

test('a killed process does nothing ever again', () => {
  const { world, process, log, note } = make();
  process.after(10, note('timer'));
  process.pause();
  process.deliver(note('packet'));
  process.stop();
  process.resume();
  process.deliver(note('packet'));
  world.runFor(100);
  expect(log).toEqual([]);
  expect(process.stopped).toBe(true);
});

test('a muted one goes on, while its messages wait in both directions', () => {
  const { world, process, log, note } = make();
  process.after(10, note('timer'));
  process.mute();
  process.deliver(note('packet in'));
  process.emit(note('packet out'));
  expect([process.running, process.listening]).toEqual([true, false]);
  world.runFor(50);
  expect(log).toEqual(['timer at 10']);
  process.unmute();
  world.runFor(1);
  expect(log).toEqual(['timer at 10', 'packet out at 50', 'packet in at 50']);
  process.stop();
  process.emit(note('packet of a dead one'));
  expect(log).toHaveLength(3);
});
