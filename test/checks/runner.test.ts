import { expect, test } from 'vitest';
import { define, every10s, host } from './fakes.ts';

test('a check runs within two seconds, then on its grid; only changes are told', async () => {
  const { clock, kinds, runner, told } = host();
  runner.put(every10s());
  expect(runner.view('web')).toMatchObject({ status: 'pending', result: null, output: '' });
  await clock.settleFor(2_000);
  expect(kinds.starts).toHaveLength(1);
  await clock.settleFor(70_000);
  const starts = kinds.startsOf('web');
  const gaps = starts.slice(2).map((start, index) => Math.round(start - starts[index + 1]!));
  expect(gaps.slice(0, 5)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
  expect(told()).toEqual(['web: pending → passing (check)']);
});

test('a failure is told with its output and time, a changing output is not', async () => {
  const { clock, kinds, runner, changes } = host();
  runner.put(every10s());
  await clock.settleFor(15_000);
  kinds.output = 'still fine';
  await clock.settleFor(10_000);
  kinds.status = 'critical';
  kinds.output = 'refused';
  await clock.settleFor(10_000);
  expect(changes).toHaveLength(2);
  expect(changes[1]).toMatchObject({ from: 'passing', to: 'critical', output: 'refused', cause: 'check' });
  const view = runner.view('web')!;
  expect(view).toMatchObject({
    output: 'refused',
    changeOutput: 'refused',
    changedWallMs: changes[1]!.wallMs,
  });
  kinds.output = 'refused again';
  await clock.settleFor(10_000);
  expect(runner.view('web')).toMatchObject({ output: 'refused again', changeOutput: 'refused' });
});

test('a run that takes longer than its interval never runs beside itself', async () => {
  const { clock, kinds, runner } = host();
  kinds.tookMs = 25_000;
  runner.put(every10s({ timeout: '60s' }));
  await clock.settleFor(120_000);
  expect(kinds.runningMax).toBe(1);
  expect(kinds.starts.length).toBeGreaterThanOrEqual(4);
});

test('runs beyond the limits wait, and all of them come', async () => {
  const limits = { runsMax: 3, runsMaxByClass: { process: 1, network: 2, host: 1 } };
  const { clock, kinds, runner } = host({ limits });
  kinds.tookMs = 300;
  for (let i = 0; i < 20; i++) runner.put(every10s({ id: `c${i}` }));
  await clock.settleFor(4_000);
  expect(kinds.runningMax).toBe(2);
  expect(new Set(kinds.starts.map((start) => start.id)).size).toBe(20);
});

test('a definition that did not change keeps its state and its timers', async () => {
  const { clock, kinds, runner } = host();
  runner.put(every10s());
  await clock.settleFor(25_000);
  const before = kinds.startsOf('web');
  expect(runner.put(every10s())).toBe('unchanged');
  await clock.settleFor(20_000);
  const gaps = kinds
    .startsOf('web')
    .slice(-3)
    .map((start, index, all) => (index === 0 ? 0 : start - all[index - 1]!));
  expect(before.length).toBeGreaterThan(1);
  expect(gaps.slice(1).map(Math.round)).toEqual([10_000, 10_000]);
});

test('a changed definition keeps the status until its next result, and that one counts at once', async () => {
  const { clock, kinds, runner, told } = host();
  kinds.status = 'critical';
  runner.put(every10s());
  await clock.settleFor(3_000);
  expect(runner.put(every10s({ timeout: '3s', success_before_passing: 3 }))).toBe('replaced');
  expect(runner.view('web')!.status).toBe('critical');
  kinds.status = 'passing';
  await clock.settleFor(3_000);
  expect(told()).toEqual(['web: pending → critical (check)', 'web: critical → passing (check)']);
});

test('a replaced check waits for the end of its old run', async () => {
  const { clock, kinds, runner } = host();
  kinds.tookMs = 5_000;
  runner.put(every10s());
  await clock.settleFor(2_500);
  expect(kinds.runningNow).toBe(1);
  runner.put(every10s({ timeout: '3s' }));
  await clock.settleFor(10_000);
  expect(kinds.aborted).toEqual(['web']);
  expect(kinds.runningMax).toBe(1);
});

test('a removed check is silent, its run is ended', async () => {
  const { clock, kinds, runner, told } = host();
  kinds.tookMs = 5_000;
  runner.put(every10s());
  await clock.settleFor(2_500);
  expect(runner.remove('web')).toBe(true);
  expect(runner.remove('web')).toBe(false);
  await clock.settleFor(60_000);
  expect(kinds.runningNow).toBe(0);
  expect(kinds.starts).toHaveLength(1);
  expect(told()).toEqual([]);
});

test('run now runs at once, joins a run under way, and the grid goes on', async () => {
  const { clock, kinds, runner } = host();
  runner.put(every10s());
  await clock.settleFor(25_000);
  const count = kinds.starts.length;
  const [first, second] = [runner.runNow('web'), runner.runNow('web')];
  await clock.settleFor(100);
  expect(await first).toMatchObject({ status: 'passing' });
  expect(await second).toBe(await first);
  expect(kinds.starts).toHaveLength(count + 1);
  await clock.settleFor(30_000);
  expect(kinds.starts.length).toBeGreaterThan(count + 2);
  expect(await runner.runNow('nope')).toBeNull();
});

test('a TTL that is not fed expires in the words of Consul, and a feed begins anew', async () => {
  const { clock, runner, told } = host();
  runner.put(define({ ttl: '10s' }));
  await clock.settleFor(11_000);
  expect(runner.view('web')).toMatchObject({ status: 'critical', output: 'TTL expired' });
  runner.feed('web', 'passing', 'was-fine', 'ttl');
  await clock.settleFor(9_000);
  runner.feed('web', 'passing', 'was-fine', 'ttl');
  await clock.settleFor(9_000);
  expect(runner.view('web')!.status).toBe('passing');
  await clock.settleFor(2_000);
  expect(runner.view('web')!.output).toBe('TTL expired (last output before timeout follows): was-fine');
  expect(told()).toEqual([
    'web: pending → critical (ttl)',
    'web: critical → passing (ttl)',
    'web: passing → critical (ttl)',
  ]);
});

test('a changed TTL counts from the change on', async () => {
  const { clock, runner } = host();
  runner.put(define({ ttl: '10s' }));
  runner.feed('web', 'passing', 'ok', 'ttl');
  await clock.settleFor(9_000);
  runner.put(define({ ttl: '20s' }));
  await clock.settleFor(19_000);
  expect(runner.view('web')!.status).toBe('passing');
  await clock.settleFor(2_000);
  expect(runner.view('web')!.status).toBe('critical');
});

test('a long note is cut', () => {
  const { runner } = host({ outputBytesMax: 10 });
  runner.put(define({ ttl: '10s' }));
  runner.feed('web', 'warning', 'y'.repeat(30), 'ttl');
  expect(runner.view('web')!.output).toBe('yyyyyyyyyy ... (captured 10 of 30 bytes)');
});

test('a check that cannot run any more turns stale by itself', async () => {
  const limits = { runsMax: 1, runsMaxByClass: { process: 1, network: 1, host: 1 } };
  const { clock, kinds, runner, told } = host({ limits });
  runner.put(every10s({ timeout: '1s' }));
  await clock.settleFor(12_000);
  // Somebody else takes the only place for ever.
  kinds.deaf.add('hog');
  runner.put(every10s({ id: 'hog', timeout: '1000s' }));
  await clock.settleFor(60_000);
  expect(told()).toEqual(['web: pending → passing (check)', 'web: passing → stale (stale)']);
  expect(runner.load()).toEqual({ running: 1, waiting: 1 });
});

test('a kind that never comes back is given up, and its place is free again', async () => {
  const { clock, kinds, runner, changes } = host();
  kinds.deaf.add('web');
  runner.put(every10s({ timeout: '1s' }));
  await clock.settleFor(80_000);
  expect(changes[0]).toMatchObject({ to: 'critical', output: expect.stringContaining('did not come back') });
  expect(runner.load().running).toBeLessThanOrEqual(1);
});

test('a kind that throws makes a critical result, not a dead agent', async () => {
  const { clock, runner, changes } = host({
    kinds: { classOf: () => 'host', load: () => Promise.reject(new Error('no such module')) },
  });
  runner.put(every10s());
  await clock.settleFor(3_000);
  expect(changes[0]!.output).toBe('The check could not be run: no such module');
});

test('a state survives a restart with its age', async () => {
  const before = host();
  before.kinds.status = 'critical';
  before.kinds.output = 'down';
  before.runner.put(every10s({ failures_before_critical: 3 }));
  await before.clock.settleFor(31_000);
  const saved = JSON.parse(JSON.stringify(before.runner.snapshot()));
  const changedWallMs = before.changes[0]!.wallMs;

  const after = host();
  await after.clock.settleFor(35_000);
  after.runner.restore(saved);
  after.runner.put(every10s({ failures_before_critical: 3 }));
  expect(after.runner.view('web')).toMatchObject({
    status: 'critical',
    output: 'down',
    restored: true,
    changedWallMs,
    failures: saved[0].failures,
  });
  after.kinds.status = 'critical';
  await after.clock.settleFor(3_000);
  expect(after.runner.view('web')!.restored).toBe(false);
  expect(after.told()).toEqual([]);
});

test('after a long absence the first run speaks, not the age', async () => {
  const before = host();
  before.runner.put(every10s());
  await before.clock.settleFor(5_000);
  const saved = before.runner.snapshot();
  const after = host();
  await after.clock.settleFor(3_600_000);
  after.runner.restore(saved);
  after.runner.put(every10s());
  await after.clock.settleFor(30_000);
  expect(after.told()).toEqual([]);
});

test('a TTL that ran out while the agent was away is expired', async () => {
  const before = host();
  before.runner.put(define({ ttl: '10s' }));
  before.runner.feed('web', 'passing', 'ok', 'ttl');
  const saved = before.runner.snapshot();

  const soon = host();
  soon.runner.restore(saved);
  soon.runner.put(define({ ttl: '10s' }));
  await soon.clock.settleFor(1_000);
  expect(soon.runner.view('web')).toMatchObject({ status: 'passing', output: 'ok' });

  const late = host();
  await late.clock.settleFor(60_000);
  late.runner.restore(saved);
  late.runner.put(define({ ttl: '10s' }));
  await late.clock.settleFor(1);
  expect(late.told()).toEqual(['web: passing → critical (ttl)']);
});

test('a wall clock that was set back makes no result of the future', async () => {
  const before = host();
  await before.clock.settleFor(600_000);
  before.runner.put(every10s());
  await before.clock.settleFor(3_000);
  const saved = before.runner.snapshot();
  const after = host();
  after.runner.restore(saved);
  after.runner.put(every10s());
  after.kinds.deaf.add('web');
  await after.clock.settleFor(100_000);
  expect(after.told().at(-1)).toBe('web: passing → critical (check)');
});

test('a cron check waits for its time of day, over days', async () => {
  const { clock, kinds, runner } = host();
  runner.put(define({ args: ['backup'], cron: '30 3 * * *' }));
  await clock.settleFor(3 * 86_400_000);
  const hours = kinds.startsOf('web').map((at) => at / 3_600_000);
  expect(hours).toEqual([3.5, 27.5, 51.5]);
});

test('an alias of this node is told its status, one of another node is run', async () => {
  const { clock, kinds, runner, told } = host();
  runner.put(define({ id: 'here', alias_service: 'db' }));
  runner.put(define({ id: 'me', alias_node: 'node-1' }));
  runner.put(define({ id: 'there', alias_node: 'node-2', alias_service: 'db' }));
  await clock.settleFor(3_000);
  expect(kinds.starts.map((start) => start.id)).toEqual(['there']);
  runner.feed('here', 'warning', 'Aliased check "db" failing: slow', 'check');
  expect(told()).toContain('here: pending → warning (check)');
});

test('stop ends every run and tells nothing more', async () => {
  const { clock, kinds, runner, told } = host();
  kinds.tookMs = 5_000;
  for (let i = 0; i < 5; i++) runner.put(every10s({ id: `c${i}` }));
  await clock.settleFor(2_000);
  await runner.stop();
  expect(kinds.runningNow).toBe(0);
  await clock.settleFor(60_000);
  expect(kinds.starts).toHaveLength(5);
  expect(told()).toEqual([]);
});

test('a kind that hears nothing does not hold up the stop', async () => {
  const { clock, kinds, runner } = host();
  kinds.deaf.add('web');
  runner.put(every10s());
  await clock.settleFor(2_000);
  let stopped = false;
  void runner.stop().then(() => {
    stopped = true;
  });
  await clock.settleFor(3_000);
  expect(stopped).toBe(true);
});

test('a definition with a first status shows it until the first result', async () => {
  const { clock, kinds, runner, told } = host();
  kinds.status = 'critical';
  runner.put(every10s({ status: 'passing', failures_before_critical: 3 }));
  expect(runner.view('web')!.status).toBe('passing');
  await clock.settleFor(2_000);
  expect(told()).toEqual(['web: passing → critical (check)']);
});

test('outputs are bounded, whatever a kind brings', async () => {
  const { clock, kinds, runner } = host({ outputBytesMax: 100 });
  kinds.output = 'x'.repeat(1e6);
  runner.put(every10s());
  await clock.settleFor(3_000);
  expect(runner.view('web')!.output.length).toBeLessThan(2_300);
});

test('a reload changes what is kept of outputs from the next result on', async () => {
  const { clock, kinds, runner, changes } = host();
  kinds.output = 'x'.repeat(5_000);
  runner.put(every10s());
  await clock.settleFor(3_000);
  runner.setOutputLimits({ bytesMax: 100, discard: false });
  await clock.settleFor(16_000);
  expect(runner.view('web')!.output.length).toBeLessThan(2_300);
  runner.setOutputLimits({ bytesMax: 100, discard: true });
  kinds.status = 'critical';
  await clock.settleFor(16_000);
  expect(changes.at(-1)).toMatchObject({ to: 'critical', output: '' });
});

test('over 24 virtual hours of flapping, retries and feeds nothing piles up', async () => {
  const { clock, kinds, runner } = host();
  let timers = 0;
  const after = clock.after.bind(clock);
  clock.after = (delayMs, callback) => {
    timers++;
    let pending = true;
    const gone = () => {
      if (pending) timers--;
      pending = false;
    };
    const timer = after(delayMs, () => {
      gone();
      callback();
    });
    return {
      cancel: () => {
        gone();
        timer.cancel();
      },
    };
  };
  for (let i = 0; i < 8; i++) {
    runner.put(
      every10s({ id: `c${i}`, interval: '60s', retry_interval: '10s', failures_before_critical: 3 }),
    );
  }
  runner.put(define({ id: 'fed', ttl: '90s' }));
  const hours: number[] = [];
  for (let hour = 0; hour < 24; hour++) {
    for (let minute = 0; minute < 60; minute++) {
      kinds.status = minute % 7 < 2 ? 'critical' : 'passing';
      if (minute % 3 > 0) runner.feed('fed', 'passing', `minute ${minute}`, 'ttl');
      await clock.settleFor(60_000);
    }
    hours.push(timers);
  }
  expect(kinds.starts.length).toBeGreaterThan(24 * 60 * 8);
  // Each check waits for its next run and for its deadline, and for nothing else.
  expect(Math.max(...hours)).toBeLessThanOrEqual(2 * 9);
  expect(runner.load()).toEqual({ running: 0, waiting: 0 });
});

test('what is kept for the next start holds no secret of a definition', () => {
  const { runner } = host();
  runner.put(every10s({ id: 'door', http: 'http://127.0.0.1:1/?key=hunter2', tcp: '' }));
  const kept = JSON.stringify(runner.snapshot());
  expect(kept).toContain('"door"');
  expect(kept).not.toContain('hunter2');
});
