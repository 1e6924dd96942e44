import { expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { Damage } from '../../proto/store/faults.ts';
import { EventRanges } from '../../server/event-ranges.ts';
import { StoredEvent } from '../../server/recent-events.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/events';

function events(from: number, to: number): StoredEvent[] {
  return Array.from(
    { length: to - from + 1 },
    (_, i) => new StoredEvent(from + i, Buffer.from(`{"Offset":${from + i}}`)),
  );
}

async function open(
  disk: SimDisk,
  next: number,
  logId = 'log-1',
): Promise<{ ranges: EventRanges; seen: number[] }> {
  const seen: number[] = [];
  const ranges = await EventRanges.open(disk, folder, { logId, next }, { segmentBytes: 4096 }, ({ offset }) =>
    seen.push(offset),
  );
  return { ranges, seen };
}

function newDisk(): SimDisk {
  return new SimDisk({ random: new SeededRandom('ranges') });
}

test('one range grows; a restart shows its newest events', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 10));
  await ranges.close();
  const again = await open(disk, 1);
  expect([again.ranges.last, again.ranges.firstWithoutHole, again.seen.length]).toEqual([10, 1, 10]);
  expect((await again.ranges.read(4, { limit: 2, bytesMax: 1000 })).map(({ offset }) => offset)).toEqual([
    4, 5,
  ]);
});

test('holes are named from the newest to the oldest, and filled from their beginning on', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 10));
  await ranges.begin(21);
  await ranges.append(events(21, 25));
  await ranges.begin(41);
  expect([ranges.last, ranges.firstWithoutHole, ranges.holeBehind(1)]).toEqual([
    40,
    41,
    { from: 26, to: 40 },
  ]);
  expect([1, 10, 11, 25, 26].map((offset) => ranges.holds(offset))).toEqual([true, true, false, true, false]);
  await ranges.fill({ from: 26, to: 40 }, events(26, 40));
  expect([ranges.firstWithoutHole, ranges.holeBehind(1)]).toEqual([21, { from: 11, to: 20 }]);
  expect([ranges.holeBehind(15), ranges.holeBehind(21)]).toEqual([{ from: 15, to: 20 }, null]);
  await ranges.fill({ from: 15, to: 20 }, events(15, 20));
  expect([ranges.firstWithoutHole, ranges.holeBehind(1)]).toEqual([15, { from: 11, to: 14 }]);
  await ranges.close();
  expect((await open(disk, 1)).ranges.holeBehind(1)).toEqual({ from: 11, to: 14 });
});

test('a hole is filled while the live range moves on: each has files of its own (npm run sim -- --seed 62)', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 10);
  await Promise.all([ranges.fill({ from: 1, to: 9 }, events(1, 3)), ranges.begin(21)]);
  await ranges.append(events(21, 22));
  const texts = async (offset: number) =>
    (await ranges.read(offset, { limit: 3, bytesMax: 1000 })).map(({ json }) => json.toString());
  expect(await texts(1)).toEqual(['{"Offset":1}', '{"Offset":2}', '{"Offset":3}']);
  expect(await texts(21)).toEqual(['{"Offset":21}', '{"Offset":22}']);
});

test('a hole is closed when what fills it is durable, not before: nobody reads what is still on its way', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 3));
  await ranges.begin(6);
  disk.hang();
  const filled = ranges.fill({ from: 4, to: 5 }, events(4, 5));
  expect([ranges.firstWithoutHole, ranges.holds(5), ranges.holeBehind(1)]).toEqual([
    6,
    false,
    { from: 4, to: 5 },
  ]);
  disk.release();
  await filled;
  expect([ranges.firstWithoutHole, ranges.holds(5), ranges.holeBehind(1)]).toEqual([1, true, null]);
});

test('ranges that retention has passed are deleted, and their numbers are not used again', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 10));
  await ranges.begin(101);
  await ranges.append(events(101, 105));
  await ranges.trim(50);
  expect(ranges.holds(5)).toBe(false);
  const files = disk.paths().filter((path) => path.endsWith('.log'));
  expect(files).toHaveLength(1);
  await ranges.fill({ from: 50, to: 100 }, events(50, 100));
  expect([ranges.firstWithoutHole, disk.paths().filter((path) => path.endsWith('.log')).length]).toEqual([
    50, 2,
  ]);
});

test('files of another log are removed', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 10));
  await ranges.close();
  const other = await open(disk, 1, 'log-2');
  expect([other.ranges.last, other.seen]).toEqual([0, []]);
  await other.ranges.close();
  expect((await open(disk, 1)).ranges.last).toBe(0);
});

test('all files of the only range gone while its hint remembers them: damage is told, and a new range begins', async () => {
  const disk = newDisk();
  const { ranges } = await open(disk, 1);
  await ranges.append(events(1, 10));
  await ranges.close();
  for (const path of disk.paths()) if (path.endsWith('.log')) await disk.remove(path);
  const again = (await open(disk, 11)).ranges;
  expect(again.damage).toMatchObject([{ from: 1, to: 10 }]);
  expect([again.last, again.holeBehind(1)]).toEqual([10, { from: 1, to: 10 }]);
  await again.fill({ from: 1, to: 10 }, events(1, 10));
  expect(again.firstWithoutHole).toBe(1);
});

const jobs: Readonly<Record<string, (disk: SimDisk, ranges: EventRanges) => Promise<unknown>>> = {
  'trimming a whole range': (_disk, ranges) => ranges.trim(460),
  healing: async (disk, ranges) => {
    disk.flipBit(disk.paths().filter((path) => path.endsWith('.log'))[0]!, 3000);
    const error: unknown = await ranges.verify().catch((reason: unknown) => reason);
    const damage = error instanceof ExpectedError ? (error.data as Damage | null) : null;
    if (damage === null) throw error;
    await ranges.heal(damage);
  },
  'filling a hole': (_disk, ranges) => ranges.fill({ from: 401, to: 449 }, events(401, 449)),
  'leaving a gap': (_disk, ranges) => ranges.skip(500),
  'deleting all': (_disk, ranges) => ranges.destroy(),
  'removing what another log left': async (disk, ranges) => {
    await ranges.close();
    await open(disk, 1, 'log-2');
  },
};

test.each(Object.entries(jobs))('%s: whatever the disk refuses has a name', async (_what, job) => {
  let refused = 0;
  for (let step = 1; ; step++) {
    const disk = newDisk();
    const { ranges } = await open(disk, 1);
    for (let at = 1; at <= 400; at += 10) await ranges.append(events(at, at + 9));
    await ranges.begin(450);
    await ranges.append(events(450, 460));
    const start = disk.operations;
    let told = false;
    disk.onOperation = ({ number, name }) => {
      if (number !== start + step) return;
      told = true;
      disk.failures.push({ name, code: 'EIO' });
    };
    const error: unknown = await job(disk, ranges).catch((reason: unknown) => reason);
    if (!told) break;
    if (error === undefined) continue;
    refused += 1;
    const codes = ['CANNOT_WRITE', 'DISK_DAMAGED'];
    const isNamed = error instanceof ExpectedError && codes.includes(error.code);
    expect(isNamed, `step ${step}: ${String(error)}`).toBe(true);
  }
  expect(refused).toBeGreaterThan(0);
});
