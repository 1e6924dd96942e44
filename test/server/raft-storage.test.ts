import { describe, expect, test } from 'vitest';
import { encode } from '../../proto/codec.ts';
import type { Entry, HardState, Membership, SnapshotMeta } from '../../proto/raft.ts';
import type { Write } from '../../server/raft/ready.ts';
import { type RaftIds, RaftStorage, type RaftStorageOptions } from '../../server/raft-storage.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/raft';
const ids: RaftIds = { nodeId: 'node-1', clusterId: null };
const membership: Membership = { voters: ['node-1'], outgoing: null, learners: [], addresses: {} };

function entry(index: number, term: number, text = `${index}/${term}`): Entry {
  return { index, term, kind: 'command', data: Buffer.from(text) };
}

function write(entries: Entry[], hardState: HardState | null = null, cutFrom: number | null = null): Write {
  return { token: 0, cutFrom, entries, hardState };
}

function range(from: number, to: number, term: number, text?: string): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, text));
}

function snapshotAt(index: number, term: number): SnapshotMeta {
  return { index, term, membership, membershipIndex: Math.min(index, 1) };
}

function newDisk(seed = 'raft'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

function open(disk: SimDisk, options: Partial<RaftStorageOptions> = {}, who = ids): Promise<RaftStorage> {
  return RaftStorage.open(disk, folder, who, { snapshot: null, segmentBytes: 4096, ...options });
}

function show(storage: RaftStorage): string[] {
  const entries = storage.slice(storage.firstIndex(), storage.lastIndex() + 1, Number.MAX_SAFE_INTEGER);
  if (entries === undefined || entries === 'loading') return [String(entries)];
  return entries.map(({ index, term, data }) => `${index}/${term}=${Buffer.from(data).toString()}`);
}

/** Asks until the entries have been read from the disk. */
async function loaded(
  storage: RaftStorage,
  from: number,
  to: number,
  bytesMax = 1_000_000,
): Promise<readonly Entry[]> {
  for (;;) {
    const told = new Promise<void>((resolve) => {
      storage.onLoaded = resolve;
    });
    const entries = storage.slice(from, to, bytesMax);
    if (entries !== 'loading') return entries ?? [];
    await told;
  }
}

describe('entries, term and vote', () => {
  test('a new disk is empty, and what was written is there after a restart', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(0)]).toEqual([1, 0, 0]);
    expect(storage.hardState).toEqual({ term: 0, vote: null, commit: 0 });
    expect(storage.membership).toBeNull();
    await storage.write([write(range(1, 3, 1), { term: 1, vote: 'node-1', commit: 0 })]);
    await storage.write([write([entry(4, 2)], { term: 2, vote: null, commit: 3 })]);
    await storage.close();

    const again = await open(disk);
    expect(show(again)).toEqual(['1/1=1/1', '2/1=2/1', '3/1=3/1', '4/2=4/2']);
    expect(again.hardState).toEqual({ term: 2, vote: null, commit: 3 });
    expect([1, 3, 4, 5].map((index) => again.term(index))).toEqual([1, 1, 2, undefined]);
  });

  test('only what is flushed can be seen', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    disk.hang();
    const writing = storage.write([write([entry(1, 1)], { term: 1, vote: 'node-1', commit: 0 })]);
    await new Promise((resolve) => setImmediate(resolve));
    expect([storage.lastIndex(), storage.term(1), storage.hardState.term]).toEqual([0, undefined, 0]);
    disk.release();
    await writing;
    expect([storage.lastIndex(), storage.term(1), storage.hardState.term]).toEqual([1, 1, 1]);
  });

  test('a write cuts what a newer leader has replaced, and the cut survives', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    await storage.write([write(range(1, 5, 1, 'old'))]);
    await storage.write([write(range(4, 4, 3, 'new'), { term: 3, vote: null, commit: 2 }, 4)]);
    const expected = ['1/1=old', '2/1=old', '3/1=old', '4/3=new'];
    expect(show(storage)).toEqual(expected);
    expect(storage.term(5)).toBeUndefined();
    await storage.close();
    expect(show(await open(disk))).toEqual(expected);
  });

  test('several writes handed in together and one after the other keep their order', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    const first = storage.write([write(range(1, 3, 1)), write(range(3, 4, 2), null, 3)]);
    const second = storage.write([write([entry(3, 3)], { term: 3, vote: null, commit: 0 }, 3)]);
    const nothing = storage.write([write([])]);
    await Promise.all([first, second, nothing]);
    expect(show(storage)).toEqual(['1/1=1/1', '2/1=2/1', '3/3=3/3']);
  });

  test('a write that carries nothing waits for the one before it', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    disk.hang();
    const order: string[] = [];
    const first = storage.write([write([entry(1, 1)])]).then(() => order.push('entry'));
    const second = storage.write([write([])]).then(() => order.push('nothing'));
    disk.release();
    await Promise.all([first, second]);
    expect(order).toEqual(['entry', 'nothing']);
  });

  test('the newest membership is found, and the one before it when it was cut', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    const of = (index: number, voters: string[]): Entry => ({
      index,
      term: 1,
      kind: 'membership',
      data: encode({ ...membership, voters }),
    });
    await storage.write([write([of(1, ['a']), entry(2, 1), of(3, ['a', 'b'])])]);
    await storage.close();
    const again = await open(disk);
    expect(again.membership).toMatchObject({ index: 3, membership: { voters: ['a', 'b'] } });
    await again.write([write([entry(3, 2)], null, 3)]);
    expect(again.membership).toMatchObject({ index: 1, membership: { voters: ['a'] } });
    await again.compactTo(snapshotAt(3, 2));
    expect(again.membership).toMatchObject({ index: 1, membership });
  });

  test('a full disk is final', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    await storage.write([write([entry(1, 1)])]);
    disk.failures.push({ name: 'write', code: 'ENOSPC' });
    await expect(storage.write([write([entry(2, 1)])])).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    await expect(storage.write([write([entry(3, 1)])])).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect([storage.lastIndex(), storage.broken?.code]).toEqual([1, 'CANNOT_WRITE']);
  });

  test('the log of another node or cluster is refused', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    storage.setClusterId('cluster-1');
    for (let i = 1; i <= 60; i++) await storage.write([write([entry(i, 1, 'x'.repeat(100))])]);
    await storage.close();
    await expect(open(disk, {}, { ...ids, nodeId: 'node-2' })).rejects.toMatchObject({
      code: 'DISK_FOREIGN',
    });
    await expect(open(disk, {}, { ...ids, clusterId: 'cluster-2' })).rejects.toMatchObject({
      code: 'DISK_FOREIGN',
    });
    await (await open(disk, {}, { ...ids, clusterId: 'cluster-1' })).close();
  });
});

describe('reading', () => {
  test('slices hold at least one entry and stop at the bound', async () => {
    const storage = await open(newDisk());
    await storage.write([write(range(1, 10, 1, 'x'.repeat(68)))]);
    const lengths = [1, 100, 199, 200, 1000].map((bytes) => (storage.slice(3, 8, bytes) as Entry[]).length);
    expect(lengths).toEqual([1, 1, 1, 2, 5]);
  });

  test('what left memory is read from the disk, also across cuts', async () => {
    const disk = newDisk();
    const storage = await open(disk, { memoryBytesMax: 1000 });
    await storage.write([write(range(1, 150, 1, 'first'))]);
    await storage.write([write(range(100, 300, 2, 'second'), null, 100)]);
    await storage.write([write(range(290, 400, 5, 'third'), null, 290)]);
    expect(storage.slice(2, 10, 1000)).toBe('loading');
    const entries = await loaded(storage, 90, 401);
    expect(entries.map((e) => e.index)).toEqual(Array.from({ length: entries.length }, (_, i) => 90 + i));
    expect(entries.map((e) => e.term).join('')).toMatch(/^1{10}2{190}5+$/);
    expect(entries.map((e) => Buffer.from(e.data).toString())).toContain('third');
    expect((await loaded(storage, 130, 135)).map((e) => e.term)).toEqual([2, 2, 2, 2, 2]);
    expect((storage.slice(399, 401, 1000) as Entry[]).length).toBe(2);
  });

  test('entries that are cut while they are being read are not shown', async () => {
    const disk = newDisk();
    const storage = await open(disk, { memoryBytesMax: 100 });
    await storage.write([write(range(1, 200, 1, 'old'))]);
    expect(storage.slice(50, 60, 1000)).toBe('loading');
    await storage.write([write(range(40, 300, 2, 'new'), null, 40)]);
    const entries = await loaded(storage, 50, 60);
    expect(entries.map((e) => `${e.term} ${Buffer.from(e.data).toString()}`)).toEqual(
      Array(10).fill('2 new'),
    );
  });

  test('an entry that cannot be read any more is reported', async () => {
    const disk = newDisk();
    const storage = await open(disk, { memoryBytesMax: 100 });
    await storage.write([write(range(1, 200, 1))]);
    const fault = new Promise((resolve) => {
      storage.onFault = resolve;
    });
    disk.failures.push({ name: 'read', code: 'EIO' });
    expect(storage.slice(1, 10, 1000)).toBe('loading');
    expect(await fault).toMatchObject({ code: 'DISK_DAMAGED' });
  });
});

describe('snapshots', () => {
  test('compaction keeps trailing entries, deletes files, and survives a restart', async () => {
    const disk = newDisk();
    const options = { trailingEntries: 50 };
    const storage = await open(disk, options);
    for (let at = 1; at <= 400; at += 10) {
      const last = at + 9;
      await storage.write([
        write(range(at, last, 1 + Math.floor(at / 100), 'x'.repeat(50)), {
          term: 9,
          vote: 'node-1',
          commit: last,
        }),
      ]);
    }
    const bytes = disk.bytes();
    const meta = snapshotAt(300, 3);
    await storage.compactTo(meta);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([251, 400]);
    expect([storage.term(249), storage.term(250), storage.term(251)]).toEqual([undefined, 3, 3]);
    expect(storage.slice(250, 260, 1000)).toBeUndefined();
    expect(storage.snapshot()).toEqual(meta);
    expect(disk.bytes()).toBeLessThan(bytes * 0.6);
    await storage.close();

    const again = await open(disk, { ...options, snapshot: meta });
    expect([again.damage, again.lastIndex(), again.term(300), again.term(400)]).toEqual([null, 400, 3, 4]);
    expect(again.firstIndex()).toBeLessThanOrEqual(251);
    expect(again.hardState).toEqual({ term: 9, vote: 'node-1', commit: 400 });
    expect((await loaded(again, 260, 262)).map((e) => e.index)).toEqual([260, 261]);
  });

  test('the disk stays bounded while snapshots are taken', async () => {
    const disk = newDisk();
    const storage = await open(disk, { trailingEntries: 20 });
    let most = 0;
    for (let at = 1; at <= 5000; at += 50) {
      await storage.write([write(range(at, at + 49, 1, 'x'.repeat(50)))]);
      await storage.compactTo(snapshotAt(at + 49, 1));
      most = Math.max(most, disk.bytes());
    }
    expect(most).toBeLessThan(6 * 4096);
    await storage.close();
    expect((await open(disk, { snapshot: snapshotAt(5000, 1) })).damage).toBeNull();
  });

  test('with the whole log compacted away, the next entry follows the snapshot', async () => {
    const disk = newDisk();
    const storage = await open(disk, { trailingEntries: 0 });
    await storage.write([write(range(1, 100, 1))]);
    await storage.compactTo(snapshotAt(100, 1));
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(100)]).toEqual([101, 100, 1]);
    await storage.write([write([entry(101, 2)])]);
    await storage.close();
    const again = await open(disk, { snapshot: snapshotAt(100, 1) });
    expect([again.damage, again.lastIndex(), again.term(101)]).toEqual([null, 101, 2]);
  });

  test('a snapshot of the leader takes the place of a log that conflicts with it (raft.md 7)', async () => {
    const disk = newDisk();
    const storage = await open(disk);
    await storage.write([write(range(1, 80, 1), { term: 4, vote: 'node-2', commit: 10 })]);
    const meta = snapshotAt(60, 3);
    await storage.installSnapshot(meta);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(60), storage.term(80)]).toEqual([
      61,
      60,
      3,
      undefined,
    ]);
    expect(storage.hardState).toEqual({ term: 4, vote: 'node-2', commit: 60 });
    await storage.write([write([entry(61, 4)])]);
    await storage.close();
    const again = await open(disk, { snapshot: meta });
    expect(show(again)).toEqual(['61/4=61/4']);
    expect(again.hardState).toEqual({ term: 4, vote: 'node-2', commit: 60 });
  });

  test('an install that a crash cut off before the log was switched is finished at the next start', async () => {
    for (const [log, meta] of [
      [range(1, 30, 1), snapshotAt(60, 3)],
      [range(1, 80, 1), snapshotAt(60, 3)],
    ] as const) {
      const disk = newDisk();
      const storage = await open(disk);
      await storage.write([write([...log], { term: 2, vote: null, commit: 5 })]);
      await storage.close();
      const again = await open(disk, { snapshot: meta });
      expect([again.damage, again.firstIndex(), again.lastIndex(), again.term(60)]).toEqual([
        null,
        61,
        60,
        3,
      ]);
      await again.close();
      expect((await open(disk, { snapshot: meta })).lastIndex()).toBe(60);
    }
  });

  test('a snapshot that was overtaken is ignored', async () => {
    const storage = await open(newDisk());
    await storage.installSnapshot(snapshotAt(50, 2));
    await storage.compactTo(snapshotAt(40, 1));
    expect(storage.snapshot()?.index).toBe(50);
  });
});

describe('damage', () => {
  async function damagedStorage(): Promise<{ disk: SimDisk; storage: RaftStorage }> {
    const disk = newDisk();
    const storage = await open(disk);
    for (let at = 1; at <= 20; at++) await storage.write([write([entry(at, 1, 'x'.repeat(30))])]);
    await storage.close();
    const path = disk.paths().find((name) => name.endsWith('.log'))!;
    disk.flipBit(path, 600);
    return { disk, storage: await open(disk) };
  }

  test('it is named in entries, and nothing can be written', async () => {
    const { disk, storage } = await damagedStorage();
    expect(storage.damage).toMatchObject({ to: 20, reason: expect.stringContaining('unreadable') });
    expect(storage.damage!.from).toBe(storage.lastIndex() + 1);
    const next = entry(storage.lastIndex() + 1, 1);
    await expect(storage.write([write([next])])).rejects.toMatchObject({ code: 'DISK_DAMAGED' });
    expect((await open(disk)).damage).not.toBeNull();
  });

  test('a snapshot heals it, and the damaged file is kept', async () => {
    const { disk, storage } = await damagedStorage();
    const meta = snapshotAt(30, 2);
    await storage.installSnapshot(meta);
    await storage.write([write([entry(31, 2)])]);
    await storage.close();
    const again = await open(disk, { snapshot: meta });
    expect([again.damage, again.lastIndex()]).toEqual([null, 31]);
    expect(disk.paths().some((path) => path.endsWith('.damaged'))).toBe(true);
  });

  test('a log whose beginning is missing, or that ends before what was committed, is damaged', async () => {
    const disk = newDisk();
    const storage = await open(disk, { trailingEntries: 0 });
    for (let at = 1; at <= 200; at += 10) await storage.write([write(range(at, at + 9, 1))]);
    await storage.compactTo(snapshotAt(190, 1));
    await storage.close();
    expect((await open(disk)).damage).toMatchObject({ from: 1 });

    const short = newDisk();
    const other = await open(short);
    await other.write([write(range(1, 5, 1), { term: 1, vote: null, commit: 9 })]);
    await other.close();
    expect((await open(short)).damage).toMatchObject({ from: 6, to: 9 });
  });
});

describe('crashes', () => {
  /** What the log should be after each write, written down in the simplest way. */
  interface Truth {
    readonly entries: readonly string[];
    readonly hardState: HardState;
    readonly snapshot: SnapshotMeta | null;
  }

  function nextWrite(random: SeededRandom, truth: Truth): { write: Write; truth: Truth } {
    const covered = truth.snapshot?.index ?? 0;
    let entries = [...truth.entries];
    let cutFrom: number | null = null;
    const term = truth.hardState.term + (random.chance(0.3) ? 1 : 0);
    const last = covered + entries.length;
    if (random.chance(0.2) && entries.length > 0 && term > truth.hardState.term) {
      cutFrom = random.int(Math.max(covered, truth.hardState.commit) + 1, last + 2);
      entries = entries.slice(0, cutFrom - covered - 1);
    }
    const first = covered + entries.length + 1;
    const added = range(first, first + random.int(0, 4) - 1, term, 'x'.repeat(random.int(0, 400)));
    entries.push(...added.map((e) => `${e.index}/${e.term}=${Buffer.from(e.data).toString()}`));
    const commit = random.int(truth.hardState.commit, covered + entries.length + 1);
    const hardState = { term, vote: random.pick(['a', 'b', null]), commit };
    return { write: write(added, hardState, cutFrom), truth: { ...truth, entries, hardState } };
  }

  function matches(storage: RaftStorage, truth: Truth): boolean {
    const covered = truth.snapshot?.index ?? 0;
    const behind = show(storage).slice(Math.max(0, covered + 1 - storage.firstIndex()));
    return (
      storage.lastIndex() === covered + truth.entries.length &&
      JSON.stringify(storage.hardState) === JSON.stringify(truth.hardState) &&
      (truth.entries.length === 0 || JSON.stringify(behind) === JSON.stringify(truth.entries))
    );
  }

  test.each(['all', 'some', 'torn'] as const)(
    'losing %s of what was not synced never loses, splits or invents a write: 40 seeds of 4 lives',
    async (kind) => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new SeededRandom(`raft/${kind}/${seed}`);
        const clock = new VirtualClock();
        const disk = new SimDisk({ random: random.fork('disk'), clock });
        /** The states that the disk may be in; the first one has been acknowledged. */
        let possible: Truth[] = [
          { entries: [], hardState: { term: 0, vote: null, commit: 0 }, snapshot: null },
        ];
        for (let life = 0; life < 4; life++) {
          const snapshot = possible[0]!.snapshot;
          const opening = open(disk, { snapshot, clock, trailingEntries: 5 });
          await clock.settleFor(50);
          const storage = await opening;
          expect(storage.damage, `seed ${seed}, life ${life}`).toBeNull();
          const found = possible.find((truth) => matches(storage, truth));
          expect(found, `seed ${seed}, life ${life}: ${show(storage).join(' ').slice(0, 200)}`).toBeDefined();
          possible = [found!];
          let stopped = false;
          const run = async (): Promise<void> => {
            while (!stopped) {
              const inFlight: Promise<void>[] = [];
              const burst = random.int(1, 4);
              for (let i = 0; i < burst; i++) {
                const { write: next, truth } = nextWrite(random, possible.at(-1)!);
                possible.push(truth);
                inFlight.push(
                  storage.write([next]).then(() => void possible.splice(0, possible.indexOf(truth))),
                );
              }
              await Promise.all(inFlight);
              const now = possible[0]!;
              const covered = now.snapshot?.index ?? 0;
              if (!random.chance(0.2) || now.hardState.commit <= covered) continue;
              const meta = snapshotAt(now.hardState.commit, storage.term(now.hardState.commit)!);
              possible = [{ ...now, entries: now.entries.slice(meta.index - covered), snapshot: meta }];
              await storage.compactTo(meta);
            }
          };
          void run();
          await clock.settleFor(random.between(0, 30));
          stopped = true;
          disk.crash(kind);
        }
      }
    },
  );

  test('a crash at every step of the first start leaves a folder that starts', async () => {
    for (let step = 1; ; step++) {
      const disk = newDisk(`first start ${step}`);
      let crashed = false;
      disk.onOperation = ({ number }) => {
        if (number !== step) return;
        crashed = true;
        disk.crash('some');
      };
      const vote = { term: 1, vote: 'node-1', commit: 0 };
      const start = open(disk).then((storage) => storage.write([write([entry(1, 1)], vote)]));
      await Promise.race([start, new Promise((resolve) => setImmediate(resolve))]);
      disk.onOperation = null;
      const storage = await open(disk);
      expect([storage.damage, storage.firstIndex()]).toEqual([null, 1]);
      expect([0, 1]).toContain(storage.lastIndex());
      expect(storage.hardState.vote).toBe(storage.lastIndex() === 1 ? 'node-1' : null);
      if (!crashed) break;
    }
  });
});
