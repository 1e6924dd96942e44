import { expect, test } from 'vitest';
import type { JoinResult } from '../../agent/gossip/membership.ts';
import { Joiner } from '../../agent/joiner.ts';
import { VirtualClock } from '../sim/clock.ts';

function stage(addresses: readonly string[] = ['a:1', 'b:2'], intervalMs = 8_000) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const tried: (readonly string[])[] = [];
  const triedAtMs: number[] = [];
  const startMs = clock.nowMs();
  const world = {
    inView: false,
    result: { joined: 0, failures: [{ address: 'a:1', message: 'refused' }] } as JoinResult,
  };
  const say = (text: string) => void said.push(text);
  const joiner = new Joiner(
    {
      clock,
      logger: { debug: say, info: say, warn: say, error: say },
      join: async (asked) => {
        tried.push(asked);
        triedAtMs.push(clock.nowMs() - startMs);
        return world.result;
      },
      serverInView: () => world.inView,
    },
    addresses,
    intervalMs,
  );
  return { clock, said, tried, triedAtMs, world, joiner };
}

test('nobody there: tried soon at first, then at the interval, for ever, and said each time', async () => {
  const { clock, joiner, triedAtMs, said } = stage();
  expect(joiner.hasTried).toBe(false);
  joiner.start();
  expect(joiner.hasTried).toBe(false);
  await clock.settleFor(40_000);
  expect(joiner.hasTried).toBe(true);
  expect(triedAtMs).toEqual([0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000, 39_000]);
  expect(said[0]).toBe('cannot join a:1 (refused); trying again in 1 s');
  expect(said).toHaveLength(triedAtMs.length);
});

test('a server in view ends the trying, its loss begins it again', async () => {
  const { clock, joiner, triedAtMs, world, said } = stage();
  joiner.start();
  await clock.settleFor(500);
  world.inView = true;
  await clock.settleFor(60_000);
  expect(triedAtMs).toHaveLength(1);
  expect(said.at(-1)).toBe('a server is in view');
  world.inView = false;
  await clock.settleFor(3_000);
  expect(triedAtMs.length).toBeGreaterThan(1);
});

test('somebody answered, and no server came into view: that is said as well', async () => {
  const { clock, joiner, said, world } = stage(['a:1']);
  world.result = { joined: 1, failures: [] };
  joiner.start();
  await clock.settleFor(5_000);
  expect(said[0]).toBe('no server is in view behind a:1; trying again in 2 s');
});

test('without addresses there is nothing to try', async () => {
  const { clock, joiner, triedAtMs } = stage([]);
  joiner.start();
  await clock.settleFor(60_000);
  expect(triedAtMs).toEqual([]);
});

test('a reload brings other addresses and another interval', async () => {
  const { clock, joiner, said } = stage([]);
  joiner.start();
  joiner.configure(['c:3'], 1_000);
  await clock.settleFor(2_500);
  expect(said.length).toBeGreaterThan(0);
});

test('a stopped joiner tries no more', async () => {
  const { clock, joiner, triedAtMs } = stage();
  joiner.start();
  joiner.stop();
  await clock.settleFor(60_000);
  expect(triedAtMs).toEqual([0]);
});

test('addresses that are tried once come first, are named when they fail, and are not tried again', async () => {
  const { clock, joiner, world, said, tried } = stage(['a:1']);
  world.result = { joined: 1, failures: [{ address: 'z:9', message: 'refused' }] };
  joiner.start(['z:9', 'y:8']);
  expect(joiner.hasTried).toBe(false);
  await clock.settleFor(500);
  expect(joiner.hasTried).toBe(true);
  world.inView = true;
  await clock.settleFor(60_000);
  expect(tried).toEqual([['z:9', 'y:8'], ['a:1']]);
  expect(said[0]).toBe('cannot join z:9: refused');
});
