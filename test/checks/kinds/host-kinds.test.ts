import { expect, test } from 'vitest';
import { clockKind } from '../../../checks/kinds/clock.ts';
import { diskKind } from '../../../checks/kinds/disk.ts';
import { fileAgeKind } from '../../../checks/kinds/file-age.ts';
import { loadKind } from '../../../checks/kinds/load.ts';
import { memoryKind } from '../../../checks/kinds/memory.ts';
import { processKind } from '../../../checks/kinds/process.ts';
import type { ProcessFacts } from '../../../proto/host-ports.ts';
import type { CheckKindName, SpecOf } from '../../../proto/schema/definitions.ts';
import { VirtualClock, wallStartMs } from '../../sim/clock.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

function spec<Kind extends CheckKindName>(keys: object): SpecOf<Kind> {
  return define({ interval: '10s', ...keys }).spec as SpecOf<Kind>;
}

const GiB = 1_073_741_824;
const gone = () => Promise.reject(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }));

test.each([
  [50, 50, 'passing'],
  [81, 10, 'warning'],
  [10, 95, 'critical'],
])('disk: %d %% of the bytes and %d %% of the inodes used is %s', async (bytes, inodes, status) => {
  const facts = {
    disk: async () => ({
      totalBytes: 100 * GiB,
      freeBytes: (100 - bytes) * GiB,
      totalInodes: 1_000,
      freeInodes: 1_000 - inodes * 10,
    }),
  };
  const outcome = await diskKind(facts, new VirtualClock()).run(spec({ disk: '/' }), context());
  expect(outcome).toMatchObject({ status, metrics: [{ name: 'used', value: bytes }, { name: 'inodes' }] });
  expect(outcome.output).toBe(
    `Disk /: ${bytes}.0 % of 100 GiB used, ${(100 - bytes) >= 100 ? '100' : (100 - bytes).toFixed(1)} GiB free, ${inodes}.0 % of the inodes used`,
  );
});

test('disk: a file system without inodes, one that is gone, and one that hangs', async () => {
  const clock = new VirtualClock();
  const endless = { disk: async () => ({ totalBytes: GiB, freeBytes: GiB, totalInodes: 0, freeInodes: 0 }) };
  expect((await diskKind(endless, clock).run(spec({ disk: '/' }), context())).status).toBe('passing');
  expect((await diskKind({ disk: gone }, clock).run(spec({ disk: '/x' }), context())).output).toBe(
    'Disk /x: ENOENT: no such file',
  );
  const hanging = { disk: () => new Promise<never>(() => {}) };
  const run = diskKind(hanging, clock).run(spec({ disk: '/' }), context());
  clock.runFor(5_000);
  expect((await run).output).toBe('Disk /: the file system did not answer within 5000 ms');
});

test.each([
  [50, 'passing'],
  [85, 'warning'],
  [96, 'critical'],
])('memory: %d %% used is %s', async (percent, status) => {
  const facts = { memory: async () => ({ totalBytes: 100 * GiB, availableBytes: (100 - percent) * GiB }) };
  expect(await memoryKind(facts).run(spec({ memory: true }), context())).toMatchObject({ status });
});

test.each([
  [{ load: true }, 'warning', 'Load: 9.00 over 5 min, 2.25 per processor (4)'],
  [{ load: 1 }, 'critical', 'Load: 20.00 over 1 min, 5.00 per processor (4)'],
  [{ load: 15, warning: 3 }, 'passing', 'Load: 8.00 over 15 min, 2.00 per processor (4)'],
])('load: %j is %s', async (keys, status, output) => {
  const facts = { load: () => ({ averages: [20, 9, 8] as const, cpus: 4 }) };
  expect(await loadKind(facts).run(spec(keys), context())).toMatchObject({ status, output });
});

function running(name: string, ...argv: string[]): ProcessFacts {
  return { pid: 1, startTicks: 1, parentPid: 1, name, argv };
}

const processes = [
  running('nginx', 'nginx: master process /usr/sbin/nginx'),
  running('nginx', 'nginx: worker process'),
  running('a-program-with-', '/opt/bin/a-program-with-a-long-name', '--x'),
  running('python3', '/usr/bin/python3', 'app.py'),
];

test.each([
  [{ process: 'nginx' }, 'passing', 2],
  [{ process: 'nginx', process_max: 1 }, 'critical', 2],
  [{ process: 'nginx', process_min: 3 }, 'critical', 2],
  [{ process: 'a-program-with-a-long-name' }, 'passing', 1],
  [{ process: '/usr/bin/python3' }, 'passing', 1],
  [{ process: '/usr/local/bin/python3' }, 'critical', 0],
  [{ process: 'redis', process_min: 0 }, 'passing', 0],
])('process: %j is %s', async (keys, status, count) => {
  const facts = { processes: async () => processes };
  expect(await processKind(facts).run(spec(keys), context())).toMatchObject({
    status,
    metrics: [{ value: count }],
  });
});

test('file_age: a file is as old as its last change', async () => {
  const clock = new VirtualClock();
  const file = { path: '/x', mode: 0o644, uid: 0, isFile: true, modifiedMs: wallStartMs - 3_600_000 };
  const run = (keys: object) =>
    fileAgeKind({ file: async () => file }, clock).run(spec({ file_age: '/x', ...keys }), context());
  expect(await run({ critical: '2h' })).toMatchObject({
    status: 'passing',
    output: 'File /x: written 1h0m0s ago',
  });
  expect(await run({ warning: '1h', critical: '2h' })).toMatchObject({ status: 'warning' });
  expect(await run({ critical: '30m' })).toMatchObject({ status: 'critical' });
  expect(
    await fileAgeKind({ file: gone }, clock).run(spec({ file_age: '/x', critical: '1h' }), context()),
  ).toMatchObject({
    status: 'critical',
    output: 'File /x: ENOENT: no such file',
  });
});

test.each([
  [120, 'passing', 'Clock: 120.0 ms ahead of the leader'],
  [-700, 'warning', 'Clock: 700.0 ms behind the leader'],
  [90_000, 'critical', 'Clock: 90000.0 ms ahead of the leader'],
  [null, 'critical', 'Clock: no leader to compare with'],
])('clock: %d ms is %s', async (offset, status, output) => {
  const outcome = await clockKind({ offsetMs: async () => offset }).run(spec({ clock: true }), context());
  expect(outcome).toMatchObject({ status, output });
});
