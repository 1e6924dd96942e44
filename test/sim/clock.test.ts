import { expect, test } from 'vitest';
import { VirtualClock, wallStartMs } from './clock.ts';

test('nothing happens before its time, and one moment keeps the order of asking', () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.after(20, () => log.push(`late at ${clock.nowMs()}`));
  clock.after(10, () => log.push(`first at ${clock.nowMs()}`));
  clock.after(10, () => log.push(`second at ${clock.nowMs()}`));
  clock.after(15, () => log.push('cancelled')).cancel();
  clock.runFor(15);
  expect(log).toEqual(['first at 10', 'second at 10']);
  expect([clock.nowMs(), clock.wallMs()]).toEqual([15, wallStartMs + 15]);
  clock.runUntil(100);
  expect(log.at(-1)).toBe('late at 20');
  expect(clock.nowMs()).toBe(100);
});

test('what is asked for at a moment happens at that moment, but never within the asking', () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.after(0, () => {
    clock.after(0, () => log.push('inner'));
    log.push('outer');
  });
  clock.runFor(0);
  expect(log).toEqual(['outer', 'inner']);
});

test('promises that can finish do so before time moves on', async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const story = (async () => {
    await wait(10);
    await Promise.resolve();
    log.push(`woke at ${clock.nowMs()}`);
    await wait(10);
    log.push(`again at ${clock.nowMs()}`);
  })();
  clock.after(11, () => log.push('eleven'));
  await clock.settleFor(50);
  await story;
  expect(log).toEqual(['woke at 10', 'eleven', 'again at 20']);
});

test('a delay into the past is a bug', () => {
  expect(() => new VirtualClock().after(-1, () => {})).toThrow('a delay of -1 ms');
});
