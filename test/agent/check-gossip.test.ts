import { expect, test } from 'vitest';
import { CheckGossip } from '../../agent/check-gossip.ts';
import { type CheckNews, checkEventName, decodeCheckNews } from '../../agent/check-news.ts';
import { LocalState } from '../../agent/local-state.ts';
import type { CheckStatus } from '../../proto/schema/status.ts';
import { VirtualClock } from '../sim/clock.ts';

/** An agent's rows, and what it tells the others of them. */
function host() {
  const clock = new VirtualClock();
  const told: { atMs: number; news: CheckNews }[] = [];
  const gossip = new CheckGossip({
    node: 'web-1',
    clock,
    fire: (name, payload) => {
      expect(name).toBe(checkEventName);
      told.push({ atMs: clock.nowMs(), news: decodeCheckNews(payload)! });
    },
  });
  const state = new LocalState({ wallMs: () => clock.wallMs(), record: () => {} });
  state.onStatusMove((move) => gossip.receive(move));
  const add = (id: string, status: CheckStatus = 'passing') =>
    state.putCheck({
      id,
      name: id,
      notes: '',
      status,
      output: '',
      serviceId: '',
      type: 'ttl',
      definition: {},
    });
  const become = (id: string, status: CheckStatus) => state.changeStatus(id, status, `is ${status}`, 'ttl');
  const lines = () => told.map(({ atMs, news }) => `${atMs} ${news.check} ${news.from}→${news.to}`);
  return { clock, gossip, told, add, become, lines };
}

test('a change is told at once, with what it was and what it is', () => {
  const on = host();
  on.add('http');
  on.clock.runFor(500);
  on.become('http', 'critical');
  expect(on.told).toEqual([
    {
      atMs: 500,
      news: {
        node: 'web-1',
        service: '',
        check: 'http',
        from: 'passing',
        to: 'critical',
        cause: 'ttl',
        output: 'is critical',
        observedAtMs: on.clock.wallMs(),
        omitted: 0,
      },
    },
  ]);
});

test('a host on which everything fails tells five changes at once and then one a second', () => {
  const on = host();
  const ids = Array.from({ length: 8 }, (_, number) => `c${number}`);
  for (const id of ids) on.add(id);
  for (const id of ids) on.become(id, 'critical');
  on.clock.runFor(10_000);
  expect(on.told.map(({ atMs }) => atMs)).toEqual([0, 0, 0, 0, 0, 1_000, 2_000, 3_000]);
});

test('of a flapping check the newest status is told, and how many changes were left out', () => {
  const on = host();
  on.add('flap');
  for (let i = 0; i < 50; i++) {
    on.become('flap', i % 2 === 0 ? 'critical' : 'passing');
    on.clock.runFor(100);
  }
  on.clock.runFor(5_000);
  const { told, omitted, waiting } = on.gossip.counts();
  expect([told + omitted, waiting]).toEqual([50, 0]);
  expect(told).toBeLessThanOrEqual(5 + 5 + 1);
  expect(on.told.reduce((sum, { news }) => sum + news.omitted, 0)).toBe(omitted);
  expect(on.told.at(-1)!.news.to).toBe('passing');
});

test('the first good results of a start are not told; a first bad one is', () => {
  const on = host();
  for (let number = 0; number < 100; number++) {
    on.add(`c${number}`, 'pending');
    on.become(`c${number}`, 'passing');
  }
  on.add('late', 'pending');
  on.become('late', 'critical');
  on.become('c0', 'critical');
  on.clock.runFor(5_000);
  expect(on.lines()).toEqual(['0 late pending→critical', '0 c0 passing→critical']);
  expect(on.gossip.counts()).toEqual({ told: 2, omitted: 0, waiting: 0 });
});

test('a check whose id leaves no room is counted and not sent', () => {
  const on = host();
  const long = 'x'.repeat(500);
  on.add(long);
  on.add('short');
  on.become(long, 'critical');
  on.become('short', 'critical');
  expect(on.told.map(({ news }) => [news.check, news.omitted])).toEqual([['short', 1]]);
  expect(on.gossip.counts()).toEqual({ told: 1, omitted: 1, waiting: 0 });
});

test('when the agent stops, nothing is told any more', () => {
  const on = host();
  on.add('flap');
  for (let i = 0; i < 20; i++) on.become('flap', i % 2 === 0 ? 'critical' : 'passing');
  const before = on.told.length;
  on.gossip.stop();
  on.clock.runFor(60_000);
  expect(on.told).toHaveLength(before);
});
