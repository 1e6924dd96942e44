import { describe, expect, test } from 'vitest';
import { isExpected } from '../../../proto/errors.ts';
import type { StoredRecord } from '../../../proto/store/record.ts';
import { SegmentLog, type SegmentLogOptions } from '../../../proto/store/segments.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const folder = '/data/log';
const small: SegmentLogOptions = { segmentBytes: 4096 };

function newDisk(seed = 'segments'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

function text(record: { body: Uint8Array }): string {
  return Buffer.from(record.body).toString();
}

function records(...texts: string[]): { type: number; body: Buffer }[] {
  return texts.map((body) => ({ type: 1, body: Buffer.from(body) }));
}

async function openLog(disk: SimDisk, options = small): Promise<{ log: SegmentLog; seen: StoredRecord[] }> {
  const seen: StoredRecord[] = [];
  const log = await SegmentLog.open(disk, folder, options, { record: (record) => seen.push(record) });
  return { log, seen };
}

async function contentOf(log: SegmentLog): Promise<string[]> {
  const all = await log.read(log.first, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return all.map(text);
}

/** Appends so many records of about 100 bytes, five a flush. */
async function fill(log: SegmentLog, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at += 5) {
    const group = Array.from({ length: Math.min(5, to - at + 1) }, (_, i) => `${at + i} ${'x'.repeat(90)}`);
    await log.append(records(...group));
  }
}

describe('appending', () => {
  test('what was appended is there after a restart, in order and with its positions', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await log.append(records('one', 'two'));
    await log.append(records('three'));
    expect([log.first, log.next, log.flushed]).toEqual([1, 4, 3]);
    await log.close();

    const { log: again, seen } = await openLog(disk);
    expect(seen.map((record) => [record.position, text(record)])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ]);
    await again.append(records('four'));
    expect(await contentOf(again)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('writers of one moment share a flush, and those that come meanwhile share the next', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, {});
    let writes = 0;
    disk.onOperation = ({ name }) => {
      if (name === 'write') writes++;
    };
    disk.hang();
    const first = Array.from({ length: 10 }, (_, i) => log.append(records(`a${i}`)));
    await new Promise((resolve) => setImmediate(resolve));
    const second = Array.from({ length: 100 }, (_, i) => log.append(records(`b${i}`)));
    expect(log.flushed).toBe(0);
    disk.release();
    await Promise.all([...first, ...second]);
    expect(writes).toBe(2);
    expect(log.flushed).toBe(110);
  });

  test('a record counts as stored only when it was flushed', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await log.append(records('kept'));
    disk.hang();
    void log.append(records('lost'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.flushed).toBe(1);
    expect(await Promise.race([log.read(2, 1, 100), 'nothing'])).toEqual([]);
    disk.crash('all');
    expect(await contentOf((await openLog(disk)).log)).toEqual(['kept']);
  });

  test('a record larger than a segment gets a segment of its own', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    const large = 'y'.repeat(600_000);
    await log.append(records('small'));
    await log.append(records(large));
    await log.append(records('after'));
    expect(await contentOf(log)).toEqual(['small', large, 'after']);
    await log.close();
    expect(await contentOf((await openLog(disk)).log)).toEqual(['small', large, 'after']);
  });

  test('more than the queue may hold is refused, and what waits is kept', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, { queueBytesMax: 1000 });
    disk.hang();
    const waiting = log.append(records('z'.repeat(900)));
    await expect(log.append(records('z'.repeat(900)))).rejects.toMatchObject({ code: 'BUSY' });
    disk.release();
    await waiting;
    expect(log.next).toBe(2);
  });
});

describe('segments', () => {
  test('the log goes on in a new segment when one is full, and each knows the state before it', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    for (let i = 1; i <= 100; i++) {
      await log.append(records(`${i} ${'x'.repeat(90)}`), () => Buffer.from(`before ${i}`));
    }
    const files = disk.paths().filter((path) => path.endsWith('.log'));
    expect(files.length).toBeGreaterThan(2);
    const heads: string[] = [];
    await SegmentLog.open(disk, folder, small, { head: (head) => heads.push(Buffer.from(head).toString()) });
    const firsts = files.map((path) => Number(/(\d+)\.log$/.exec(path)?.[1]));
    expect(heads).toEqual(firsts.map((first) => (first === 1 ? '' : `before ${first}`)));
  });

  test('trimming deletes whole segments that are not needed, and never the last', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await fill(log, 1, 200);
    await log.trim(120);
    expect(log.first).toBeGreaterThan(1);
    expect(log.first).toBeLessThanOrEqual(120);
    await expect(log.read(1, 1, 100)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED' });
    const kept = await log.read(120, 1, 100);
    expect(kept.map(text)[0]).toMatch(/^120 /);
    await log.trim(10_000);
    expect(disk.paths().filter((path) => path.endsWith('.log'))).toHaveLength(1);
    expect(log.next).toBe(201);
    await log.close();
    const { log: again } = await openLog(disk);
    expect([again.damage, again.next]).toEqual([null, 201]);
  });

  test('reads are bounded by count and by bytes, and find any position', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, { segmentBytes: 20_000 });
    await fill(log, 1, 500);
    for (const position of [1, 64, 65, 66, 129, 333, 500]) {
      const found = await log.read(position, 3, 1_000_000);
      expect(found[0]?.position).toBe(position);
      expect(text(found[0]!)).toMatch(new RegExp(`^${position} `));
      expect(found).toHaveLength(position === 500 ? 1 : 3);
    }
    expect(await log.read(1, 100, 10)).toHaveLength(1);
    expect(await log.read(1, 100, 250)).toHaveLength(2);
    expect(await log.read(501, 100, 250)).toEqual([]);
  });

  test('sealed segments that were not read at the start are read, and verified, when somebody asks', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await fill(log, 1, 200);
    await log.close();
    const lazy = await openLog(disk, { ...small, scan: 'last' });
    expect(lazy.seen.length).toBeLessThan(60);
    expect((await lazy.log.read(7, 1, 10))[0]?.position).toBe(7);
    const firstFile = disk.paths().find((path) => path.endsWith('.log'))!;
    disk.flipBit(firstFile, 1500);
    const again = await openLog(disk, { ...small, scan: 'last' });
    expect(again.log.damage).toBeNull();
    const error = await again.log.read(20, 1, 10).catch((reason: unknown) => reason);
    expect(isExpected(error, 'DISK_DAMAGED') && error.message).toContain(firstFile);
  });
});

describe('a disk that fails', () => {
  test.each(['ENOSPC', 'EIO'])('%s on a write is final and named', async (code) => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await log.append(records('kept'));
    disk.failures.push({ name: 'write', code });
    const lost = log.append(records('lost'));
    const queued = new Promise((resolve) => setImmediate(resolve)).then(() =>
      log.append(records('too late')),
    );
    await expect(lost).rejects.toMatchObject({ code: 'CANNOT_WRITE', cause: { code } });
    await expect(queued).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(log.broken?.message).toContain(folder);
    expect(log.flushed).toBe(1);
    await log.close();
    const { log: again } = await openLog(disk);
    expect(again.damage).toBeNull();
    expect((await contentOf(again))[0]).toBe('kept');
  });

  test('a flush that failed is not tried again, though the next one would succeed', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    disk.failures.push({ name: 'sync', code: 'EIO' });
    await expect(log.append(records('dropped by the kernel'))).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    await expect(log.append(records('next'))).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    disk.crash('all');
    expect((await openLog(disk)).log.next).toBe(1);
  });

  test('a full disk is met before anything acknowledged is lost', async () => {
    const disk = new SimDisk({ random: new SeededRandom('full'), bytesMax: 9000 });
    const { log } = await openLog(disk);
    let acknowledged = 0;
    const failed = await (async () => {
      for (;;) {
        await log.append(records('x'.repeat(200)));
        acknowledged++;
      }
    })().catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'CANNOT_WRITE', message: expect.stringContaining('full') });
    disk.crash('some');
    const { log: again } = await openLog(disk);
    expect(again.damage).toBeNull();
    expect(again.flushed).toBeGreaterThanOrEqual(acknowledged);
  });

  test('a folder that cannot be read or made is named', async () => {
    const disk = newDisk();
    disk.failures.push({ name: 'open', code: 'EROFS' });
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      message: expect.stringContaining('read-only'),
    });
    await (await openLog(disk)).log.close();
    disk.failures.push({ name: 'read', code: 'EIO' });
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'DISK_DAMAGED',
      message: expect.stringContaining(folder),
    });
  });
});

describe('whose log is it?', () => {
  test('ids that differ are refused, ids that were not known yet are not', async () => {
    const disk = newDisk();
    await (await openLog(disk, { owner: { node: 'n1', cluster: '' } })).log.close();
    await (await openLog(disk, { owner: { node: 'n1', cluster: 'c1' } })).log.close();
    await expect(openLog(disk, { owner: { node: 'n2' } })).rejects.toMatchObject({
      code: 'DISK_FOREIGN',
      message: expect.stringContaining('n1'),
    });
  });

  test('a later format is refused with advice', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await log.close();
    const path = disk.paths().find((name) => name.endsWith('.log'))!;
    const { writeRecord, markerType } = await import('../../../proto/store/record.ts');
    const bytes = Buffer.alloc(24);
    const at = { position: 1, previous: 0, durable: 0, endsGroup: true };
    writeRecord(bytes, 0, { type: markerType, body: Uint8Array.of(9) }, at);
    disk.overwrite(path, 0, bytes);
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'DISK_FOREIGN',
      message: expect.stringContaining('newer version'),
    });
  });

  test('logs with different prefixes share a folder', async () => {
    const disk = newDisk();
    const a = await SegmentLog.open(disk, folder, { prefix: 'a-' });
    const b = await SegmentLog.open(disk, folder, { prefix: 'b-', firstPosition: 50 });
    await a.append(records('a'));
    await b.append(records('b'));
    expect([await contentOf(a), await contentOf(b), b.first]).toEqual([['a'], ['b'], 50]);
    await a.destroy();
    expect(disk.paths().every((path) => path.includes('/b-'))).toBe(true);
  });
});

test('a removal that the disk refuses is named', async () => {
  const disk = newDisk();
  const { log } = await openLog(disk);
  await log.append(records('kept'));
  disk.failures.push({ name: 'syncFolder', code: 'EIO' });
  await expect(log.destroy()).rejects.toMatchObject({ code: 'CANNOT_WRITE', cause: { code: 'EIO' } });
});

test('a log whose removal a crash cut short tells of no damage', async () => {
  for (let survived = 0; survived <= 3; survived++) {
    const disk = newDisk();
    const { log } = await openLog(disk);
    await fill(log, 1, 50);
    const remove = disk.remove.bind(disk);
    let removed = 0;
    disk.remove = async (path) => {
      if (removed === survived) throw new Error('crash');
      removed += 1;
      await remove(path);
    };
    await log.destroy().catch(() => {});
    disk.remove = remove;
    disk.crash('all');
    expect([survived, (await openLog(disk)).log.damage]).toEqual([survived, null]);
  }
});
