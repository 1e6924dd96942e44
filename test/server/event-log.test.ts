import { describe, expect, test } from 'vitest';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { EventLog, type EventLogOptions, type EventPlace } from '../../server/event-log.ts';
import { StoredEvent } from '../../server/recent-events.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/events';
const logId = '5f2c7f2e-52a9-4d8f-9a43-0d9a0c1a4b10';
const fresh: EventPlace = { logId, first: 1, last: 0, gaps: [] };
const all = { limit: 1000, bytesMax: 1_000_000 };

function event(offset: number, output = ''): HealthEvent {
  const draft = draftEvent({
    Kind: 'check.changed',
    Node: 'web-1',
    Check: 'http',
    To: 'critical',
    Output: output,
  });
  return { Schema: 1, Offset: offset, Time: '2026-11-22T03:12:00.000Z', ...draft };
}

function events(from: number, to: number): HealthEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
}

function newDisk(seed = 'events'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

function open(disk: SimDisk, place = fresh, options: EventLogOptions = {}): Promise<EventLog> {
  return EventLog.open(disk, folder, place, { segmentBytes: 8192, memoryBytesMax: 4000, ...options });
}

async function offsets(log: EventLog, after: number): Promise<number[]> {
  const found: number[] = [];
  while (after < log.last) {
    const page = await log.read(after, all);
    found.push(...page.map(({ offset }) => offset));
    after = found.at(-1)!;
  }
  return found;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('appending and reading', () => {
  test('an event can be read at once, is durable soon, and is there after a restart', async () => {
    const disk = newDisk();
    const log = await open(disk);
    expect([log.first, log.last, log.flushedOffset]).toEqual([1, 0, 0]);
    disk.hang();
    log.append([event(1), event(2, 'connection refused')]);
    expect([log.last, log.flushedOffset]).toEqual([2, 0]);
    const page = await log.read(1, all);
    expect(JSON.parse(Buffer.from(page[0]!.json).toString())).toEqual(event(2, 'connection refused'));
    disk.release();
    await log.flushed();
    expect(log.flushedOffset).toBe(2);
    await log.close();
    const again = await open(disk);
    expect((await again.read(0, all)).map((stored) => stored.event)).toEqual([
      event(1),
      event(2, 'connection refused'),
    ]);
  });

  test('offsets are dense, or it is a bug', async () => {
    const log = await open(newDisk());
    expect(() => log.append([event(2)])).toThrow('event 2 after 0');
  });

  test('old events come from disk, new ones from memory, and pages are bounded', async () => {
    const log = await open(newDisk());
    for (let at = 1; at <= 500; at += 5) log.append(events(at, at + 4));
    await log.flushed();
    expect(log.readRecent(0, all)).toBeUndefined();
    expect(log.readRecent(495, all)?.map(({ offset }) => offset)).toEqual([496, 497, 498, 499, 500]);
    expect(await offsets(log, 0)).toEqual(numbers(1, 500));
    expect(await log.read(10, { limit: 3, bytesMax: 1_000_000 })).toHaveLength(3);
    expect(await log.read(10, { limit: 3, bytesMax: 1 })).toHaveLength(1);
    expect(await log.read(498, { limit: 3, bytesMax: 1 })).toHaveLength(1);
    expect(await log.read(500, all)).toEqual([]);
  });

  test('what is not durable yet is never dropped from memory', async () => {
    const disk = newDisk();
    const log = await open(disk);
    disk.hang();
    log.append(events(1, 100));
    expect(log.readRecent(0, all)).toHaveLength(100);
    disk.release();
    await log.flushed();
    expect(log.readRecent(0, all)).toBeUndefined();
    expect(await offsets(log, 0)).toEqual(numbers(1, 100));
  });

  test('readers are woken by each append, until they stop', async () => {
    const log = await open(newDisk());
    let woken = 0;
    const stop = log.onAppend(() => woken++);
    log.append(events(1, 3));
    log.append(events(4, 4));
    stop();
    log.append(events(5, 5));
    expect(woken).toBe(2);
  });

  test('all readers get the same bytes', async () => {
    const log = await open(newDisk());
    log.append(events(1, 2));
    const [one] = await log.read(0, all);
    const [other] = await log.read(0, all);
    expect(one!.json).toBe(other!.json);
  });
});

describe('after a restart', () => {
  test('events that are applied again are recognised in memory and on disk, and not written twice', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 300));
    await log.close();
    const again = await open(disk);
    for (let at = 1; at <= 310; at += 10) again.append(events(at, at + 9));
    await again.flushed();
    expect(await offsets(again, 0)).toEqual(numbers(1, 310));
  });

  test.each([5, 299])('another event under the number %i of a known one is damage', async (offset) => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 300));
    await log.close();
    const again = await open(disk);
    const faults: unknown[] = [];
    again.onFault = (fault) => faults.push(fault);
    again.append([event(offset, 'something else')]);
    await expect(again.flushed()).rejects.toMatchObject({ code: 'DISK_DAMAGED' });
    expect(faults).toHaveLength(1);
    expect(() => again.append([event(301)])).toThrow(`event ${offset}`);
  });

  test('keys in another order are no difference', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append([event(1)]);
    const { Schema, ...rest } = event(1);
    log.append([{ ...rest, Schema }]);
    await log.flushed();
  });

  test('whatever the crash, the log is a beginning of what was appended and has all that was flushed: 40 seeds', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new SeededRandom(`events/${seed}`);
      const clock = new VirtualClock();
      const disk = new SimDisk({ random: random.fork('disk'), clock });
      let promised = 0;
      for (let life = 0; life < 3; life++) {
        const opening = open(disk, fresh, { clock });
        await clock.settleFor(50);
        const log = await opening;
        expect(log.last, `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(promised);
        expect([log.damage, log.missing], `seed ${seed}, life ${life}`).toEqual([[], null]);
        // The state machine stands where the Raft log lets it begin, and applies the rest again.
        const reading = offsets(log, 0);
        for (let from = 1, step = 0; step < 40; step++) {
          const count = random.int(1, 30);
          log.append(events(from, from + count - 1));
          from += count;
        }
        const through = log.last;
        void log.flushed().then(() => {
          promised = Math.max(promised, through);
        });
        await clock.settleFor(random.between(0, 10));
        void reading;
        disk.crash(random.pick(['all', 'some', 'torn']));
      }
    }
  });

  test('a full disk is told at once, and nothing more is taken', async () => {
    const disk = newDisk();
    const log = await open(disk);
    const faults: unknown[] = [];
    log.onFault = (fault) => faults.push(fault);
    disk.failures.push({ name: 'write', code: 'ENOSPC' });
    log.append([event(1)]);
    await expect(log.flushed()).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(faults).toMatchObject([{ code: 'CANNOT_WRITE' }]);
    expect(() => log.append([event(2)])).toThrow('full');
  });
});

describe('retention', () => {
  test('trimming moves the first offset exactly, and deletes whole files', async () => {
    const disk = newDisk();
    const log = await open(disk);
    for (let at = 1; at <= 300; at += 10) log.append(events(at, at + 9));
    await log.flushed();
    const before = disk.bytes();
    await log.trim(251);
    expect([log.first, log.last]).toEqual([251, 300]);
    expect(disk.bytes()).toBeLessThan(before / 2);
    await expect(log.read(249, all)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED', data: { first: 251 } });
    expect(await offsets(log, 250)).toEqual(numbers(251, 300));
    await log.close();
    const again = await open(disk, { logId, first: 251, last: 300, gaps: [] });
    expect([again.first, again.missing]).toEqual([251, null]);
  });

  test('trimming to where we are already, or back, changes nothing', async () => {
    const log = await open(newDisk());
    log.append(events(1, 20));
    await log.trim(10);
    await log.trim(5);
    expect(log.first).toBe(10);
  });
});

describe('what a snapshot did not bring', () => {
  const stored = (from: number, to: number): StoredEvent[] =>
    events(from, to).map((e) => StoredEvent.from(e));

  test('the log goes on behind the snapshot, and the hole is named until it is filled', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 50));
    await log.moveTo({ logId, first: 1, last: 200, gaps: [] });
    expect([log.first, log.last, log.missing]).toEqual([201, 200, { from: 51, to: 200 }]);
    log.append(events(201, 210));
    await expect(log.read(100, all)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED', data: { first: 201 } });
    expect(log.holds(50)).toBe(true);
    expect((await log.read(20, all)).map(({ offset }) => offset)).toEqual(numbers(21, 50));

    await log.backfill(stored(51, 120));
    expect([log.first, log.missing]).toEqual([201, { from: 121, to: 200 }]);
    await log.close();
    const again = await open(disk, { logId, first: 1, last: 200, gaps: [] });
    expect([again.first, again.missing, again.last]).toEqual([201, { from: 121, to: 200 }, 210]);
    await again.backfill(stored(121, 200));
    expect([again.first, again.missing]).toEqual([1, null]);
    expect(await offsets(again, 0)).toEqual(numbers(1, 210));
  });

  test('an empty server is filled from the first event that is kept', async () => {
    const log = await open(newDisk(), { logId, first: 101, last: 200, gaps: [] });
    expect([log.first, log.missing]).toEqual([201, { from: 101, to: 200 }]);
    log.append(events(201, 201));
    await log.backfill(stored(101, 200));
    expect([log.first, log.missing]).toEqual([101, null]);
    expect(await offsets(log, 100)).toEqual(numbers(101, 201));
  });

  test('a second snapshot before the first hole is filled makes a second hole; the newest is filled first', async () => {
    const disk = newDisk();
    const log = await open(disk, { logId, first: 1, last: 100, gaps: [] });
    log.append(events(101, 110));
    await log.moveTo({ logId, first: 1, last: 300, gaps: [] });
    log.append(events(301, 310));
    expect(log.missing).toEqual({ from: 111, to: 300 });
    await log.backfill(stored(111, 300));
    expect([log.first, log.missing]).toEqual([101, { from: 1, to: 100 }]);
    await log.backfill(stored(1, 100));
    expect(await offsets(log, 0)).toEqual(numbers(1, 310));
  });

  test('retention that overtakes a hole closes it', async () => {
    const log = await open(newDisk(), { logId, first: 1, last: 100, gaps: [] });
    await log.backfill(stored(1, 40));
    await log.trim(60);
    expect(log.missing).toEqual({ from: 60, to: 100 });
    await log.backfill(stored(60, 70));
    await log.trim(150);
    expect([log.missing, log.first]).toEqual([null, 150]);
  });

  test('a hole is filled in order, or it is a bug', async () => {
    const log = await open(newDisk(), { logId, first: 1, last: 100, gaps: [] });
    await expect(log.backfill(stored(2, 10))).rejects.toThrow('belongs into the hole');
    await expect(log.backfill(stored(1, 101))).rejects.toThrow('belongs into the hole');
  });
});

describe('damage and other logs', () => {
  test('damaged events become a hole, when the state machine is beyond them', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 10));
    log.append(events(11, 20));
    await log.close();
    disk.flipBit(disk.paths().find((path) => path.endsWith('.log'))!, 5000);
    const again = await open(disk, { logId, first: 1, last: 20, gaps: [] });
    expect(again.damage).toMatchObject([{ from: 11, to: 20 }]);
    expect([again.first, again.missing]).toEqual([21, { from: 11, to: 20 }]);
    expect(await again.read(4, all)).toHaveLength(6);
  });

  test('they are simply written again, when the state machine gives them again', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 10));
    log.append(events(11, 20));
    await log.close();
    disk.flipBit(disk.paths().find((path) => path.endsWith('.log'))!, 5000);
    const again = await open(disk);
    again.append(events(1, 20));
    await again.flushed();
    expect([again.missing, again.damage.length]).toEqual([null, 1]);
    expect(await offsets(again, 0)).toEqual(numbers(1, 20));
  });

  test('another log id voids everything, now and at the next start', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 20));
    const other = { logId: '0c6b0c3e-8f55-4a8f-b7d0-111111111111', first: 1, last: 0, gaps: [] };
    await log.moveTo(other);
    expect([log.logId, log.first, log.last]).toEqual([other.logId, 1, 0]);
    log.append([event(1, 'of the new log')]);
    await log.flushed();
    await log.close();
    const again = await open(disk, other);
    expect(again.last).toBe(1);
    await again.close();
    expect((await open(disk)).last).toBe(0);
    expect(disk.paths().every((path) => /\/[0-9a-f]{8}-/.test(path))).toBe(true);
  });

  test('damage in an old file is met by a reader, becomes a hole, and costs nothing behind that file', async () => {
    const disk = newDisk();
    const log = await open(disk);
    for (let at = 1; at <= 300; at += 10) log.append(events(at, at + 9));
    await log.close();
    const files = disk.paths().filter((path) => path.endsWith('.log'));
    const [second, third] = files.slice(1).map((path) => Number(/(\d+)\.log$/.exec(path)?.[1]));
    disk.flipBit(files[1]!, 4000);
    const again = await open(disk, { logId, first: 1, last: 300, gaps: [] });
    expect([again.first, again.missing, again.damage]).toEqual([1, null, []]);
    await expect(again.read(second! + 15, all)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED' });
    expect(again.damage).toMatchObject([{ file: files[1] }]);
    const hole = again.missing!;
    expect(hole.from).toBeGreaterThanOrEqual(second!);
    expect([hole.to, again.first, again.last]).toEqual([third! - 1, third, 300]);
    again.append(events(301, 310));
    expect(await offsets(again, third! - 1)).toEqual(numbers(third!, 310));
    await again.backfill(events(hole.from, hole.to).map((e) => StoredEvent.from(e)));
    await again.close();
    const healed = await open(disk, { logId, first: 1, last: 310, gaps: [] });
    expect([healed.missing, healed.damage]).toEqual([null, []]);
    expect(await offsets(healed, 0)).toEqual(numbers(1, 310));
    expect(disk.paths().some((path) => path.endsWith('.damaged'))).toBe(true);
  });

  test('looking through all files finds what has decayed, while events go on', async () => {
    const disk = newDisk();
    const log = await open(disk);
    for (let at = 1; at <= 300; at += 10) log.append(events(at, at + 9));
    await log.flushed();
    const files = disk.paths().filter((path) => path.endsWith('.log'));
    disk.flipBit(files[0]!, 3000);
    disk.flipBit(files[2]!, 3000);
    const looking = log.verify();
    for (let at = 301; at <= 400; at++) {
      log.append([event(at)]);
      await Promise.resolve();
    }
    await looking;
    await log.flushed();
    // The second one has got another name by then, because the range was split at the first one.
    const ending = (path: string): string => path.slice(-20);
    expect(log.damage.map(({ file }) => ending(file))).toEqual([ending(files[0]!), ending(files[2]!)]);
    expect(await offsets(log, log.first - 1)).toEqual(numbers(log.first, 400));
    for (let hole = log.missing; hole; hole = log.missing) {
      await log.backfill(events(hole.from, hole.to).map((e) => StoredEvent.from(e)));
    }
    expect(await offsets(log, 0)).toEqual(numbers(1, 400));
    await log.close();
    const again = await open(disk, { logId, first: 1, last: 400, gaps: [] });
    expect([again.damage, again.missing, again.last]).toEqual([[], null, 400]);
  });

  test('healing that a crash cuts off loses nothing but what was damaged', async () => {
    for (let step = 1; ; step++) {
      const disk = newDisk();
      const log = await open(disk);
      for (let at = 1; at <= 160; at += 10) log.append(events(at, at + 9));
      await log.flushed();
      const files = disk.paths().filter((path) => path.endsWith('.log'));
      const third = Number(/(\d+)\.log$/.exec(files[2]!)?.[1]);
      disk.flipBit(files[1]!, 3000);
      const start = disk.operations;
      let crashed = false;
      disk.onOperation = ({ number }) => {
        if (number !== start + step) return;
        crashed = true;
        disk.crash('all');
      };
      await Promise.race([log.verify(), new Promise((resolve) => setImmediate(resolve))]);
      disk.onOperation = null;
      const again = await open(disk, { logId, first: 1, last: 160, gaps: [] });
      await again.verify();
      expect([again.last, await offsets(again, third - 1)], `step ${step}`).toEqual([
        160,
        numbers(third, 160),
      ]);
      expect(again.missing?.to, `step ${step}`).toBe(third - 1);
      if (!crashed) break;
    }
  });
});

describe('gaps', () => {
  const gap = { from: 301, to: 1000, reason: 'restored' };

  test('what comes behind a gap is read behind what came before it, at once and from disk', async () => {
    const disk = newDisk();
    const log = await open(disk);
    disk.hang();
    log.append(events(1, 300));
    log.skip(gap);
    log.append(events(1001, 1010));
    expect([log.last, log.missing, log.gapAt(300), log.gapAt(301)]).toEqual([1010, null, undefined, gap]);
    expect((await log.read(400, all)).map(({ offset }) => offset)).toEqual(numbers(1001, 1010));
    const older = log.read(299, all);
    disk.release();
    expect((await older).map(({ offset }) => offset)).toEqual([300]);
    await log.flushed();
    expect([log.first, log.flushedOffset]).toEqual([1, 1010]);
    expect(await offsets(log, 0)).toEqual([...numbers(1, 300), ...numbers(1001, 1010)]);
  });

  test('a restart knows the gap from its place, or learns of it when the log is applied again', async () => {
    const disk = newDisk();
    const log = await open(disk);
    log.append(events(1, 300));
    log.skip(gap);
    log.append(events(1001, 1010));
    await log.flushed();
    await log.close();
    const after = await open(disk, { logId, first: 1, last: 1010, gaps: [gap] });
    expect([after.first, after.missing]).toEqual([1, null]);
    await after.close();
    const before = await open(disk, { logId, first: 1, last: 300, gaps: [] });
    before.skip(gap);
    before.append(events(1001, 1012));
    await before.flushed();
    expect([before.first, before.last, before.missing]).toEqual([1, 1012, null]);
    expect(await offsets(before, 0)).toEqual([...numbers(1, 300), ...numbers(1001, 1012)]);
  });

  test('one that was filled by a snapshot lacks what lies on both sides of the gap, and nothing within', async () => {
    const log = await open(newDisk(), { logId, first: 1, last: 1005, gaps: [gap] });
    expect(log.missing).toEqual({ from: 1001, to: 1005 });
    await log.backfill(events(1001, 1005).map(StoredEvent.from));
    expect(log.missing).toEqual({ from: 1, to: 300 });
    await log.backfill(events(1, 300).map(StoredEvent.from));
    expect([log.missing, log.first]).toEqual([null, 1]);
    expect(await offsets(log, 0)).toEqual([...numbers(1, 300), ...numbers(1001, 1005)]);
  });
});

test('the place that it was opened at is copied: a trim takes effect though the state machine has counted on', async () => {
  const disk = newDisk();
  const place = { ...fresh };
  const log = await open(disk, place);
  for (let at = 1; at <= 300; at += 50) {
    log.append(events(at, at + 49));
    await log.flushed();
  }
  const before = (await disk.list(folder)).length;
  Object.assign(place, { first: 290, last: 300 });
  await log.trim(290);
  expect(log.first).toBe(290);
  expect((await disk.list(folder)).length).toBeLessThan(before);
});
