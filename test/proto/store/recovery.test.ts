/** What a log makes of its files after a crash, and after damage (raft.md 3.3, last point, and 3.4). */
import { describe, expect, test } from 'vitest';
import { SegmentLog, type SegmentLogOptions } from '../../../proto/store/segments.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { type CrashKind, SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const folder = '/data/log';
const small: SegmentLogOptions = { segmentBytes: 4096 };

function record(text: string): { type: number; body: Buffer } {
  return { type: 1, body: Buffer.from(text) };
}

async function openLog(
  disk: SimDisk,
  options = small,
): Promise<{ log: SegmentLog; seen: string[]; salvaged: string[] }> {
  const seen: string[] = [];
  const salvaged: string[] = [];
  const log = await SegmentLog.open(disk, folder, options, {
    record: ({ body }) => seen.push(Buffer.from(body).toString()),
    salvaged: ({ body }) => salvaged.push(Buffer.from(body).toString()),
  });
  return { log, seen, salvaged };
}

function segmentPaths(disk: SimDisk): string[] {
  return disk.paths().filter((path) => path.endsWith('.log'));
}

/** A log whose groups are [1], [2 3], [4 5 6], [7], … , with `count` records, on a disk without faults. */
async function written(count: number, options = small): Promise<{ disk: SimDisk; log: SegmentLog }> {
  const disk = new SimDisk({ random: new SeededRandom('written') });
  const { log } = await openLog(disk, options);
  for (let next = 1, group = 1; next <= count; group = (group % 3) + 1) {
    const size = Math.min(group, count - next + 1);
    await log.append(Array.from({ length: size }, (_, i) => record(`${next + i} ${'x'.repeat(300)}`)));
    next += size;
  }
  return { disk, log };
}

/** Where the used part of a segment ends. */
function usedBytes(disk: SimDisk, path: string): number {
  const content = disk.content(path)!;
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return end;
}

describe('crashes', () => {
  /** Appends groups until the disk crashes; the crash may come in the middle of anything. */
  async function live(
    disk: SimDisk,
    clock: VirtualClock,
    random: SeededRandom,
    kind: CrashKind,
    ledger: Ledger,
  ): Promise<void> {
    const { log, seen } = await openLogInTime(disk, clock, ledger);
    ledger.check(seen, log);
    let stopped = false;
    const write = async (): Promise<void> => {
      while (!stopped) {
        const size = random.int(1, 5);
        const texts = Array.from({ length: size }, () => ledger.name(random.int(0, 900)));
        const through = ledger.append(texts);
        await log.append(texts.map(record));
        ledger.acknowledge(through);
        if (random.chance(0.05)) void log.trim(Math.max(1, through - 40));
      }
    };
    for (let i = 0; i < 3; i++) void write();
    await clock.settleFor(random.between(0, 40));
    stopped = true;
    disk.crash(kind);
  }

  /** Opens the log in virtual time; `first` of the ledger follows what was trimmed. */
  async function openLogInTime(
    disk: SimDisk,
    clock: VirtualClock,
    ledger: Ledger,
  ): Promise<{ log: SegmentLog; seen: string[] }> {
    const opening = openLog(disk, { ...small, clock, hintDelayMs: 3 });
    let opened: Awaited<typeof opening> | null = null;
    void opening.then((result) => {
      opened = result;
    });
    while (opened === null) await clock.settleFor(5);
    const result: Awaited<typeof opening> = opened;
    ledger.first = result.log.first;
    return result;
  }

  class Ledger {
    first = 1;
    #texts: string[] = [];
    #acknowledged = 0;
    #count = 0;
    #groupEnds = new Set<number>([0]);

    name(bytes: number): string {
      this.#count++;
      return `${this.#count} ${'x'.repeat(bytes)}`;
    }

    append(texts: string[]): number {
      this.#texts.push(...texts);
      this.#groupEnds.add(this.#texts.length);
      return this.#texts.length;
    }

    acknowledge(through: number): void {
      this.#acknowledged = Math.max(this.#acknowledged, through);
    }

    /** After a restart: all that was acknowledged, nothing that was never written, groups whole. Then it is the truth. */
    check(seen: string[], log: SegmentLog): void {
      expect(log.damage).toBeNull();
      expect(log.flushed).toBeGreaterThanOrEqual(this.#acknowledged);
      expect(this.#groupEnds).toContain(log.flushed);
      expect(seen).toEqual(this.#texts.slice(this.first - 1, log.flushed));
      this.#texts.length = log.flushed;
      this.#acknowledged = log.flushed;
      this.#groupEnds = new Set([...this.#groupEnds].filter((end) => end <= log.flushed));
    }
  }

  test.each(['all', 'some', 'torn'] as const)(
    'lose %s of what was not synced: no acknowledged record is lost, no group is split, 40 seeds of 5 lives',
    async (kind) => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new SeededRandom(`${kind}/${seed}`);
        const clock = new VirtualClock();
        const disk = new SimDisk({ random: random.fork('disk'), clock });
        const ledger = new Ledger();
        for (let life = 0; life < 5; life++) await live(disk, clock, random, kind, ledger);
        const { log, seen } = await openLogInTime(disk, clock, ledger);
        ledger.check(seen, log);
      }
    },
  );

  test.each(['all', 'some', 'torn'] as const)(
    'what a failed write left in memory is on the device before it is vouched for; then the power goes (%s)',
    async (kind) => {
      const { disk, log } = await written(5);
      disk.failures.push({ name: 'write', code: 'EIO' });
      await expect(log.append([record('doubtful')])).rejects.toThrow('cannot write');
      disk.killProcess();
      const second = await openLog(disk);
      expect(second.seen.at(-1)).toBe('doubtful');
      await second.log.append([record('behind it')]);
      disk.crash(kind);
      const third = await openLog(disk);
      expect(third.log.damage).toBeNull();
      expect(third.seen.slice(5)).toEqual(['doubtful', 'behind it']);
    },
  );

  test('a crash at every step of the first start leaves a folder that starts', async () => {
    for (const kind of ['all', 'some', 'torn'] as const) {
      for (let step = 1; ; step++) {
        const disk = new SimDisk({ random: new SeededRandom(`${kind}/${step}`) });
        let crashed = false;
        disk.onOperation = ({ number }) => {
          if (number !== step) return;
          crashed = true;
          disk.crash(kind);
        };
        const start = openLog(disk).then(({ log }) => log.append([record('first')]));
        await Promise.race([start, new Promise((resolve) => setImmediate(resolve))]);
        disk.onOperation = null;
        const { log, seen } = await openLog(disk);
        expect([log.damage, log.first]).toEqual([null, 1]);
        expect(seen).toEqual(crashed ? seen.slice(0, 1) : ['first']);
        await log.append([record('again')]);
        if (!crashed) break;
      }
    }
  });

  test('what a killed process had written but not flushed is made durable before anybody relies on it', async () => {
    const { disk, log } = await written(20);
    disk.hang();
    void log.append([record('written, and not flushed')]);
    await new Promise((resolve) => setImmediate(resolve));
    disk.killProcess();
    const { log: again, seen } = await openLog(disk);
    expect(seen.at(-1)).toBe('written, and not flushed');
    disk.crash('all');
    expect((await openLog(disk)).log.flushed).toBe(again.flushed);
  });

  test('trimming many segments at once never leaves an older one in front of a hole', async () => {
    for (let step = 1; ; step++) {
      const { disk, log } = await written(60);
      const start = disk.operations;
      let crashed = false;
      disk.onOperation = ({ number }) => {
        if (number !== start + step) return;
        crashed = true;
        disk.crash('some');
      };
      await Promise.race([log.trim(1000), new Promise((resolve) => setImmediate(resolve))]);
      disk.onOperation = null;
      expect((await openLog(disk)).log.damage, `step ${step}`).toBeNull();
      if (!crashed) break;
    }
  });
});

describe('the last write', () => {
  /** [1] and [2 3] are acknowledged, and the group [4 5 6] is on the disk without anybody having heard of it. */
  async function withTail(): Promise<{ disk: SimDisk; path: string; from: number; to: number }> {
    const { disk, log } = await written(3);
    const path = segmentPaths(disk)[0]!;
    const from = usedBytes(disk, path);
    await log.append([4, 5, 6].map((n) => record(`${n} ${'x'.repeat(700)}`)));
    return { disk, path, from, to: usedBytes(disk, path) };
  }

  test('cut or zeroed at every sector is a torn tail: cut without a word, and the log goes on', async () => {
    for (let sector = 0; ; sector++) {
      for (const how of ['cut', 'zero'] as const) {
        const { disk, path, from, to } = await withTail();
        const at = from + sector * 512;
        if (at >= to) return;
        const end = how === 'cut' ? to : Math.min(at + 512, to);
        disk.overwrite(path, at, new Uint8Array(end - at));
        const { log, seen } = await openLog(disk);
        expect(log.damage).toBeNull();
        expect(seen).toHaveLength(3);
        // When nothing at all of it arrived there is nothing to cut.
        const traces = how === 'zero' || sector > 0;
        expect(log.torn === null).toBe(!traces);
        await log.append([record('instead')]);
        const again = await openLog(disk);
        expect([again.log.damage, again.log.torn, again.seen[3]]).toEqual([null, null, 'instead']);
      }
    }
  });

  test('what remains of a torn write is gone, so that it cannot pass for a record later', async () => {
    const { disk, path, from, to } = await withTail();
    disk.overwrite(path, from, new Uint8Array(600));
    await openLog(disk);
    expect(usedBytes(disk, path)).toBeLessThanOrEqual(from);
    expect(to).toBeGreaterThan(from);
  });

  test('it is damage when the hint says that somebody had been told', async () => {
    const { disk, log } = await written(6);
    await log.close();
    const path = segmentPaths(disk)[0]!;
    disk.flipBit(path, usedBytes(disk, path) - 5);
    const { log: again } = await openLog(disk);
    expect(again.damage).toMatchObject({ file: path, from: 4, to: 6 });
    expect(again.flushed).toBe(3);
  });

  test('it is damage as well when it has vanished without a trace', async () => {
    const { disk, log } = await written(6);
    await log.close();
    const path = segmentPaths(disk)[0]!;
    const end = usedBytes(disk, path);
    disk.overwrite(path, end - 1000, new Uint8Array(1000));
    expect((await openLog(disk)).log.damage).toMatchObject({ to: 6 });
  });
});

describe('damage in the middle', () => {
  test('every bit of an acknowledged record that flips is noticed, and nothing is cut', async () => {
    const { disk } = await written(6);
    const path = segmentPaths(disk)[0]!;
    const before = disk.content(path)!;
    const end = usedBytes(disk, path);
    // The last group is [4 5 6]; everything before it is proven durable by it.
    const lastGroup = end - 3 * 325;
    for (let at = 0; at < lastGroup; at += 7) {
      disk.flipBit(path, at, at % 8);
      const { log } = await openLog(disk);
      expect(log.damage, `byte ${at}`).toMatchObject({ file: path });
      expect(log.damage!.from, `byte ${at}`).toBeLessThanOrEqual(3);
      expect(log.damage!.to, `byte ${at}`).toBeGreaterThanOrEqual(3);
      await expect(log.append([record('refused')])).rejects.toMatchObject({ code: 'DISK_DAMAGED' });
      disk.flipBit(path, at, at % 8);
    }
    expect(disk.content(path)).toEqual(before);
  });

  test('what lies behind it is shown, so that its owner can say what is lost', async () => {
    const { disk } = await written(6);
    const path = segmentPaths(disk)[0]!;
    disk.flipBit(path, usedBytes(disk, path) - 5 * 325);
    const { log, seen, salvaged } = await openLog(disk);
    expect(seen.map((text) => text.split(' ')[0])).toEqual(['1']);
    expect(salvaged.map((text) => text.split(' ')[0])).toEqual(['3', '4', '5', '6']);
    expect(log.damage).toMatchObject({ from: 2, to: 3 });
  });

  test('a damaged sealed segment loses the rest of it, as far as the next one proves', async () => {
    const { disk } = await written(40);
    const [, second, third] = segmentPaths(disk);
    const thirdFirst = Number(/(\d+)\.log$/.exec(third!)?.[1]);
    disk.flipBit(second!, usedBytes(disk, second!) - 5);
    const { damage } = (await openLog(disk)).log;
    expect(damage).toMatchObject({ file: second, to: thirdFirst - 1 });
    expect(damage!.from).toBeGreaterThan(thirdFirst - 4);
  });

  test('a missing segment is named by what should stand in its place', async () => {
    const { disk } = await written(40);
    const [first, second, third] = segmentPaths(disk);
    const firstOf = (path: string): number => Number(/(\d+)\.log$/.exec(path)?.[1]);
    await disk.remove(second!);
    const { log } = await openLog(disk);
    expect(log.damage).toMatchObject({ file: first, from: firstOf(second!), to: firstOf(third!) - 1 });
    expect((await openLog(disk, { ...small, scan: 'last' })).log.damage).toMatchObject({
      from: firstOf(second!),
    });
  });

  test('an unreadable head of a segment is damage from its first record on', async () => {
    const { disk } = await written(40);
    const [, second, third] = segmentPaths(disk);
    const first = Number(/(\d+)\.log$/.exec(second!)?.[1]);
    disk.flipBit(second!, 30);
    expect((await openLog(disk)).log.damage).toMatchObject({ file: second, from: first });
    await disk.remove(third!);
  });

  test('all files gone while the hint remembers them is damage, not a new log', async () => {
    const { disk, log } = await written(6);
    await log.close();
    for (const path of segmentPaths(disk)) await disk.remove(path);
    expect((await openLog(disk)).log.damage).toMatchObject({ from: 1, to: 6 });
  });
});

describe('setting damage aside', () => {
  test('the damaged files are kept under another name, and the log goes on behind its last good record', async () => {
    const { disk } = await written(40);
    const [, second] = segmentPaths(disk);
    const first = Number(/(\d+)\.log$/.exec(second!)?.[1]);
    disk.flipBit(second!, 900);
    const { log } = await openLog(disk);
    const { from } = log.damage!;
    await log.setAside();
    expect([log.damage, log.next]).toEqual([null, from]);
    expect(from).toBeGreaterThan(first);
    await log.append([record('new')]);
    await log.close();
    const again = await openLog(disk);
    expect([again.log.damage, again.log.next, again.seen.at(-1)]).toEqual([null, from + 1, 'new']);
    expect(disk.paths()).toContain(`${second}.damaged`);
  });

  test('a log of which nothing is left goes on where the loss began', async () => {
    const { disk, log } = await written(6);
    await log.close();
    for (const path of segmentPaths(disk)) await disk.remove(path);
    const { log: again } = await openLog(disk);
    await again.setAside();
    expect([again.damage, again.first, again.next]).toEqual([null, 1, 1]);
    await again.append([record('new')]);
  });

  test('cut off at any step, it leaves the same damage or the result', async () => {
    for (let step = 1; ; step++) {
      const { disk } = await written(40);
      disk.flipBit(segmentPaths(disk)[1]!, 900);
      const { log } = await openLog(disk);
      const { from } = log.damage!;
      const start = disk.operations;
      let crashed = false;
      disk.onOperation = ({ number }) => {
        if (number !== start + step) return;
        crashed = true;
        disk.crash('all');
      };
      await Promise.race([log.setAside(), new Promise((resolve) => setImmediate(resolve))]);
      disk.onOperation = null;
      const { log: again } = await openLog(disk);
      expect(again.damage?.from ?? again.next, `step ${step}`).toBe(from);
      if (!crashed) break;
    }
  });
});
