import { expect, test } from 'vitest';
import { Deadlines } from '../../../agent/gossip/deadlines.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { VirtualProcess } from '../../sim/process.ts';

function make(stallMs = 50) {
  const world = new VirtualClock();
  const process = new VirtualProcess(world);
  const stalls: number[] = [];
  const log: string[] = [];
  const deadlines = new Deadlines({ clock: process, stallMs, onStall: (ms) => stalls.push(ms) });
  const note = (what: string) => () => log.push(`${what} at ${world.nowMs()}`);
  return { world, process, stalls, log, deadlines, note };
}

test('waits come to an end in order, cancelled ones never, and the stopped heap is silent', () => {
  const { world, log, deadlines, note } = make();
  deadlines.after(20, note('b'));
  deadlines.after(10, note('a'));
  deadlines.after(15, note('cancelled')).cancel();
  deadlines.after(20, note('c'));
  deadlines.after(40, note('never'));
  world.runFor(30);
  deadlines.stop();
  world.runFor(100);
  expect(log).toEqual(['a at 10', 'b at 20', 'c at 20']);
});

test('nobody is woken for a wait that has been cancelled', () => {
  const world = new VirtualClock();
  let wakes = 0;
  const deadlines = new Deadlines({
    clock: {
      nowMs: () => world.nowMs(),
      wallMs: () => world.wallMs(),
      after: (delayMs, run) =>
        world.after(delayMs, () => {
          wakes += 1;
          run();
        }),
    },
    stallMs: 50,
    onStall: () => {},
  });
  for (let i = 0; i < 10; i++) deadlines.after(5 + i, () => {}).cancel();
  deadlines.after(100, () => {});
  world.runFor(200);
  expect(wakes).toBe(1);
});

test('what is set while others run gets its turn', () => {
  const { world, log, deadlines, note } = make();
  deadlines.after(10, () => {
    deadlines.after(0, note('at once'));
    deadlines.after(10, note('later'));
  });
  world.runFor(50);
  expect(log).toEqual(['at once at 10', 'later at 20']);
});

test('a process that stood still for ten seconds takes up every wait where it was', () => {
  const { world, process, stalls, log, deadlines, note } = make();
  deadlines.after(100, note('ack timeout'));
  deadlines.after(4_000, note('suspicion'));
  world.runFor(50);
  process.pause();
  world.runFor(10_000);
  process.resume();
  world.runFor(5_000);
  expect(stalls).toEqual([9_950]);
  // 9950 ms late, and 50 ms of grace in which the sockets are read.
  expect(log).toEqual(['ack timeout at 10100', 'suspicion at 14000']);
});

test('a packet that is read first after a stop notices it before it is weighed', () => {
  const { world, process, stalls, deadlines } = make();
  deadlines.after(100, () => {});
  process.pause();
  world.runFor(3_000);
  deadlines.noticeStall();
  expect(stalls).toEqual([2_900]);
  expect(deadlines.nowMs()).toBe(100);
  deadlines.noticeStall();
  expect(stalls).toHaveLength(1);
});

test('running time goes on over a stall without a step back, and still tells the wall clock of an earlier moment', () => {
  const { world, process, deadlines } = make();
  deadlines.after(1_000, () => {});
  const before = deadlines.nowMs();
  const wallBefore = world.wallMs();
  world.runFor(500);
  expect(deadlines.wallMsOf(before)).toBe(wallBefore);
  process.pause();
  world.runFor(2_000);
  process.resume();
  deadlines.noticeStall();
  let last = deadlines.nowMs();
  expect(last).toBe(1_000);
  for (let i = 0; i < 100; i++) {
    world.runFor(10);
    expect(deadlines.nowMs()).toBeGreaterThanOrEqual(last);
    last = deadlines.nowMs();
  }
});

test('a timer that is a little late lets the sockets be read before anybody is judged', () => {
  const { world, process, log, deadlines } = make();
  let read = false;
  deadlines.after(100, () => log.push(read ? 'after the packet' : 'before the packet'));
  world.runFor(95);
  process.pause();
  process.deliver(() => {
    read = true;
  });
  world.runFor(20);
  process.resume();
  world.runFor(1);
  expect(log).toEqual(['after the packet']);
});

test('lateness that means nothing moves nothing', () => {
  const { world, process, log, deadlines, stalls } = make(Number.POSITIVE_INFINITY);
  deadlines.after(100, () => log.push(`due at ${deadlines.nowMs()}`));
  process.pause();
  process.deliver(() => log.push('packet'));
  world.runFor(10_000);
  process.resume();
  world.runFor(1);
  expect(log).toEqual(['due at 10000', 'packet']);
  expect(stalls).toEqual([]);
});
