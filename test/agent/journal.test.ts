import { describe, expect, test } from 'vitest';
import { MemoryDisk } from '../../agent/host/memory-disk.ts';
import { Journal, type JournalOptions } from '../../agent/journal.ts';
import type { JournalDraft, JournalRecord } from '../../proto/schema/journal.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/journal';

function newDisk(seed = 'journal'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

let opened = 0;
function open(disk: SimDisk | MemoryDisk, options: JournalOptions = {}): Promise<Journal> {
  const ports = { disk, clock: new VirtualClock(), random: new SeededRandom(`journal ${opened++}`) };
  return Journal.open(ports, folder, { segmentBytes: 4096, ...options });
}

function draft(output: string, observedAtMs = 1000): JournalDraft {
  return { kind: 'check.status', observedAtMs, check: 'http', status: 'critical', output, cause: 'check' };
}

/** Revision and output, or how many are lost. */
function show(records: readonly JournalRecord[]): string[] {
  return records.map((record) => {
    if (record.kind === 'lost') return `${record.revision} lost ${record.count} since ${record.sinceMs}`;
    return `${record.revision} ${record.kind === 'check.status' ? record.output : record.kind}`;
  });
}

async function append(journal: Journal, ...outputs: string[]): Promise<void> {
  for (const output of outputs) journal.append(draft(output));
  await journal.settled();
}

describe('one journal', () => {
  test('records are numbered at once and handed out in order until they are confirmed', async () => {
    const journal = await open(newDisk());
    expect([journal.lastRevision, journal.length]).toEqual([0, 0]);
    expect(journal.append(draft('down')).revision).toBe(1);
    expect(journal.append(draft('up')).revision).toBe(2);
    await journal.settled();
    expect(show(journal.pending(10))).toEqual(['1 down', '2 up']);
    expect(show(journal.pending(1))).toEqual(['1 down']);
    journal.confirm(1);
    expect(show(journal.pending(10))).toEqual(['2 up']);
    journal.confirm(2);
    journal.confirm(1);
    expect([journal.length, journal.lastRevision]).toEqual([0, 2]);
  });

  test('a record is handed out, and listeners are told, when it is durable and not before', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    let told = 0;
    const stop = journal.onAppend(() => told++);
    disk.hang();
    journal.append(draft('down'));
    await new Promise((resolve) => setImmediate(resolve));
    expect([journal.pending(10).length, told, journal.length]).toEqual([0, 0, 1]);
    disk.release();
    await journal.settled();
    expect([journal.pending(10).length, told]).toEqual([1, 1]);
    stop();
    await append(journal, 'up');
    expect(told).toBe(1);
  });

  test('it survives a restart: id, numbers, and what is not confirmed', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    await append(journal, 'a', 'b', 'c');
    journal.confirm(2);
    await journal.close();
    const again = await open(disk);
    expect([again.id, again.lastRevision]).toEqual([journal.id, 3]);
    expect(show(again.pending(10))).toEqual(['3 c']);
    expect(again.append(draft('d')).revision).toBe(4);
  });

  test('another folder is another journal', async () => {
    expect((await open(newDisk())).id).not.toBe((await open(newDisk())).id);
  });

  test('confirmed records leave the disk, and what has to be known of them stays', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    for (let i = 1; i <= 500; i++) {
      await append(journal, `${i}`);
      if (i % 10 === 0) journal.confirm(i - 2);
    }
    await journal.close();
    expect(disk.bytes()).toBeLessThan(5 * 4096);
    const again = await open(disk);
    expect([again.id, again.lastRevision]).toEqual([journal.id, 500]);
    expect(show(again.pending(10))).toEqual(['499 499', '500 500']);
  });

  test('in memory it works the same, for --dev', async () => {
    const disk = new MemoryDisk();
    const journal = await open(disk);
    await append(journal, 'a', 'b');
    journal.confirm(1);
    expect(show(journal.pending(10))).toEqual(['2 b']);
    await journal.close();
    expect(show((await open(disk)).pending(10))).toEqual(['2 b']);
  });
});

describe('a full journal', () => {
  test('the oldest go, and one record says how many and since when', async () => {
    const journal = await open(newDisk(), { recordsMax: 10 });
    for (let i = 1; i <= 14; i++) journal.append(draft(`${i}`, 1000 + i));
    await journal.settled();
    const records = show(journal.pending(100));
    expect(records[0]).toMatch(/^\d+ lost \d+ since 1001$/);
    const lost = journal.pending(1)[0] as Extract<JournalRecord, { kind: 'lost' }>;
    expect(lost.count).toBe(lost.revision);
    expect(records.slice(1)).toEqual(
      Array.from({ length: 14 - lost.count }, (_, i) => `${lost.count + 1 + i} ${lost.count + 1 + i}`),
    );
    expect(records.length).toBeLessThanOrEqual(11);
  });

  test('bytes are bounded as well', async () => {
    const journal = await open(newDisk(), { bytesMax: 5000 });
    for (let i = 1; i <= 100; i++) journal.append(draft('x'.repeat(400)));
    await journal.settled();
    expect(journal.length).toBeLessThan(13);
    expect(show(journal.pending(1))[0]).toContain('lost');
  });

  test('what was lost is known after a restart, grows, and is confirmed like any record', async () => {
    const disk = newDisk();
    const journal = await open(disk, { recordsMax: 10 });
    for (let i = 1; i <= 200; i++) await append(journal, `${i}`);
    await journal.close();
    expect(disk.bytes()).toBeLessThan(3 * 4096);
    const again = await open(disk, { recordsMax: 10 });
    const lost = again.pending(1)[0] as Extract<JournalRecord, { kind: 'lost' }>;
    expect(lost).toMatchObject({ kind: 'lost', count: lost.revision, sinceMs: 1000 });
    expect(again.pending(100).at(-1)).toMatchObject({ revision: 200 });
    again.confirm(lost.revision);
    expect(again.pending(1)[0]).toMatchObject({ revision: lost.revision + 1, kind: 'check.status' });
    await append(again, ...Array.from({ length: 20 }, (_, i) => `later ${i}`));
    const next = again.pending(1)[0] as Extract<JournalRecord, { kind: 'lost' }>;
    expect(next.revision - next.count).toBe(lost.revision);
  });

  test('a bound that was lowered holds from the next start on', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    await append(journal, ...Array.from({ length: 50 }, (_, i) => `${i}`));
    await journal.close();
    expect((await open(disk, { recordsMax: 5 })).length).toBeLessThanOrEqual(6);
  });
});

describe('disks', () => {
  test('when the disk fails, the journal goes on in memory and hands out everything', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    await append(journal, 'a');
    const faults: unknown[] = [];
    journal.onFault = (fault) => faults.push(fault);
    disk.failures.push({ name: 'write', code: 'ENOSPC' });
    await append(journal, 'b');
    await append(journal, 'c');
    expect(show(journal.pending(10))).toEqual(['1 a', '2 b', '3 c']);
    journal.confirm(2);
    expect(show(journal.pending(10))).toEqual(['3 c']);
    expect(faults).toMatchObject([{ code: 'CANNOT_WRITE' }]);
    expect(journal.fault).toBe(faults[0]);
  });

  test('servers that know more than the file does: what is new gets a new journal, what they have does not', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    await append(journal, 'a', 'b');
    disk.failures.push({ name: 'write', code: 'EIO' });
    await append(journal, 'c', 'd', 'e');
    disk.crash('all');
    // The servers took all five. After the restart the file ends with the second one.
    const again = await open(disk);
    expect(again.lastRevision).toBe(2);
    await append(again, 'f');
    expect(show(again.pending(10))).toEqual(['1 a', '2 b', '3 f']);
    again.confirm(5);
    await again.settled();
    expect(again.id).not.toBe(journal.id);
    expect(show(again.pending(10))).toEqual(['1 f']);
    await append(again, 'g');
    await again.close();
    expect(show((await open(disk)).pending(10))).toEqual(['1 f', '2 g']);
  });

  test('a write that ends late does not hand out what a new journal has not stored', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    await append(journal, 'a');
    let writes = 0;
    disk.onOperation = ({ name }) => {
      // The write of the old journal ends, that of the new one does not.
      if (name === 'write' && ++writes === 2) disk.hang();
    };
    journal.append(draft('b'));
    await Promise.resolve();
    journal.confirm(9);
    journal.append(draft('c'));
    await new Promise((resolve) => setImmediate(resolve));
    expect([writes, journal.pending(10)]).toEqual([2, []]);
    disk.release();
    await journal.settled();
    expect(show(journal.pending(10))).toEqual(['1 a', '2 b', '3 c']);
  });

  test('damage begins a new journal that says what is lost', async () => {
    const disk = newDisk();
    const journal = await open(disk);
    for (const output of ['a', 'b', 'c', 'd']) await append(journal, output);
    await journal.close();
    const path = disk.paths().find((name) => name.endsWith('.log'))!;
    disk.flipBit(path, 350);
    const again = await open(disk);
    expect(again.damage).toMatchObject({ file: path });
    expect(again.id).not.toBe(journal.id);
    const [lost] = again.pending(10);
    expect(lost).toMatchObject({ kind: 'lost', revision: 1 });
    await again.close();
    expect((await open(disk)).id).toBe(again.id);
  });

  test('a folder that cannot be written is told at once', async () => {
    const disk = newDisk();
    disk.failures.push({ name: 'write', code: 'EROFS' });
    await expect(open(disk)).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
  });

  test('whatever the crash, each observation that was handed out reaches the server once and in order: 40 seeds', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new SeededRandom(`journal/${seed}`);
      const clock = new VirtualClock();
      const disk = new SimDisk({ random: random.fork('disk'), clock });
      /** What a server holds: it applies only the next number, and takes a `lost` record for all that it stands for. */
      const server = { id: '', revision: 0, outputs: [] as string[] };
      const deliver = (journal: Journal): void => {
        if (server.id !== journal.id) Object.assign(server, { id: journal.id, revision: 0 });
        for (const record of journal.pending(5)) {
          const from = record.kind === 'lost' ? record.revision - record.count : record.revision - 1;
          if (from > server.revision || record.revision <= server.revision) continue;
          server.revision = record.revision;
          if (record.kind === 'check.status') server.outputs.push(record.output);
        }
      };
      let made = 0;
      const promised = new Set<number>();
      for (let life = 0; life < 4; life++) {
        const ports = { disk, clock, random: random.fork('id') };
        const opening = Journal.open(ports, folder, { segmentBytes: 2048 });
        await clock.settleFor(50);
        const journal = await opening;
        let stopped = false;
        const live = async (): Promise<void> => {
          while (!stopped) {
            made++;
            journal.append(draft(String(made)));
            const number = made;
            void journal.settled().then(() => promised.add(number));
            if (random.chance(0.5)) deliver(journal);
            if (random.chance(0.3)) journal.confirm(Math.min(server.revision, journal.lastRevision));
            await new Promise<void>((resolve) => clock.after(random.unit() * 2, resolve));
          }
        };
        void live();
        await clock.settleFor(random.between(0, 40));
        stopped = true;
        disk.crash(random.pick(['all', 'some', 'torn']));
      }
      const opening = open(disk);
      await clock.settleFor(50);
      const journal = await opening;
      while (journal.pending(1).length > 0) {
        deliver(journal);
        journal.confirm(server.revision);
        await clock.settleFor(5);
      }
      const numbers = server.outputs.map(Number);
      expect(numbers, `seed ${seed}`).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      const arrived = new Set(numbers);
      expect(
        [...promised].filter((number) => !arrived.has(number)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(promised.size).toBeGreaterThan(0);
      expect(server.revision, `seed ${seed}`).toBe(journal.lastRevision);
    }
  });
});
