import { describe, expect, test } from 'vitest';
import type { SnapshotMeta } from '../../proto/raft.ts';
import type { SnapshotHeader } from '../../proto/store/snapshot-file.ts';
import { Snapshots, type StoredSnapshot } from '../../server/snapshots.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/snapshots';
const membership = {
  voters: ['a', 'b', 'c'],
  outgoing: null,
  learners: [],
  addresses: { a: '10.0.0.1:8300' },
};

function newDisk(seed = 'snapshots'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

function metaAt(index: number, term: number): SnapshotMeta {
  return { index, term, membership, membershipIndex: 1 };
}

function headerAt(index: number, term: number): SnapshotHeader {
  const meta = metaAt(index, term);
  return { meta, logId: 'log', firstOffset: 1, lastOffset: index, timeMs: 1000, clusterId: 'c', nodeId: 'a' };
}

function pieces(...texts: string[]): Uint8Array[] {
  return texts.map((text) => Buffer.from(text));
}

async function contentOf(snapshots: Snapshots, snapshot: StoredSnapshot | null): Promise<string[]> {
  const found: string[] = [];
  for await (const piece of snapshots.content(snapshot!)) found.push(Buffer.from(piece).toString());
  return found;
}

/** Sends a snapshot from one server's disk to another's, in chunks of so many bytes. */
async function send(from: Snapshots, snapshot: StoredSnapshot, to: Snapshots, chunk: number): Promise<void> {
  const receiver = await to.receive(snapshot.header.meta);
  for (;;) {
    const bytes = await from.readBytes(snapshot, receiver.position, chunk);
    if (bytes.length === 0) break;
    await receiver.write(bytes);
  }
  await receiver.finish();
}

describe('storing', () => {
  test('a snapshot is there after a restart, piece by piece, with its header', async () => {
    const disk = newDisk();
    const snapshots = await Snapshots.open(disk, folder);
    expect(snapshots.newest).toBeNull();
    await snapshots.write(headerAt(100, 3), pieces('nodes', 'checks', 'x'.repeat(100_000)));
    const again = await Snapshots.open(disk, folder);
    expect(again.newest?.header).toEqual(headerAt(100, 3));
    expect(await contentOf(again, again.newest)).toEqual(['nodes', 'checks', 'x'.repeat(100_000)]);
  });

  test('the newest is the one with the highest index, then term; two are kept (hashicorp/raft#395)', async () => {
    const disk = newDisk();
    const snapshots = await Snapshots.open(disk, folder);
    for (const [index, term] of [
      [9, 10],
      [100, 2],
      [99, 9],
      [100, 11],
    ] as const) {
      await snapshots.write(headerAt(index, term), pieces(`${index}/${term}`));
    }
    expect(snapshots.newest?.header.meta).toMatchObject({ index: 100, term: 11 });
    expect(disk.paths()).toHaveLength(2);
    const again = await Snapshots.open(disk, folder);
    expect(await contentOf(again, again.newest)).toEqual(['100/11']);
    expect(again.find({ index: 100, term: 2 })).not.toBeNull();
    expect(again.find({ index: 99, term: 9 })).toBeNull();
  });

  test('a crash at every step leaves the old snapshot or the new one', async () => {
    for (const kind of ['all', 'some', 'torn'] as const) {
      for (let step = 1; ; step++) {
        const disk = newDisk(`${kind}/${step}`);
        const snapshots = await Snapshots.open(disk, folder);
        await snapshots.write(headerAt(1, 1), pieces('old'));
        const start = disk.operations;
        let crashed = false;
        disk.onOperation = ({ number }) => {
          if (number !== start + step) return;
          crashed = true;
          disk.crash(kind);
        };
        const writing = snapshots.write(headerAt(2, 1), pieces('new', 'y'.repeat(5000)));
        await Promise.race([writing, new Promise((resolve) => setImmediate(resolve))]);
        disk.onOperation = null;
        const again = await Snapshots.open(disk, folder);
        const content = await contentOf(again, again.newest);
        expect(['old', 'new'], `${kind}, step ${step}`).toContain(content[0]);
        expect(again.damage).toEqual([]);
        expect(disk.paths().every((path) => path.endsWith('.snapshot'))).toBe(true);
        if (crashed) continue;
        expect(content[0]).toBe('new');
        break;
      }
    }
  });

  test('a full disk is named, and the old snapshot still counts', async () => {
    const disk = newDisk();
    const snapshots = await Snapshots.open(disk, folder);
    await snapshots.write(headerAt(1, 1), pieces('old'));
    disk.failures.push({ name: 'write', code: 'ENOSPC' });
    await expect(snapshots.write(headerAt(2, 1), pieces('new'))).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    expect(await contentOf(snapshots, snapshots.newest)).toEqual(['old']);
    expect(disk.paths()).toHaveLength(1);
  });
});

describe('damage', () => {
  async function written(): Promise<{ disk: SimDisk; path: string; size: number }> {
    const disk = newDisk();
    const snapshots = await Snapshots.open(disk, folder);
    await snapshots.write(headerAt(1, 1), pieces('the one before'));
    const { path, size } = await snapshots.write(headerAt(2, 1), pieces('nodes', 'checks'));
    return { disk, path, size };
  }

  test('any flipped bit is found at the start and named, and the snapshot before counts', async () => {
    const { size } = await written();
    for (let at = 0; at < size; at += 3) {
      const { disk, path } = await written();
      disk.flipBit(path, at, at % 8);
      const snapshots = await Snapshots.open(disk, folder);
      expect(snapshots.damage, `byte ${at}`).toMatchObject([{ file: path }]);
      expect(await contentOf(snapshots, snapshots.newest)).toEqual(['the one before']);
      expect(disk.paths()).toContain(`${path}.damaged`);
    }
  });

  test('a bit that flips later is found while reading', async () => {
    const { disk, path, size } = await written();
    const snapshots = await Snapshots.open(disk, folder);
    disk.flipBit(path, size - 50);
    await expect(contentOf(snapshots, snapshots.newest)).rejects.toMatchObject({
      code: 'DISK_DAMAGED',
      message: expect.stringContaining(path),
    });
  });

  test('a file that was cut short, or that goes on behind its end, is damaged', async () => {
    for (const change of [-1, -40, 1]) {
      const { disk, path, size } = await written();
      const file = await disk.open(path);
      await file.truncate(size + change);
      expect((await Snapshots.open(disk, folder)).damage).toMatchObject([{ file: path }]);
    }
  });
});

describe('from one server to another', () => {
  test('in chunks of any size, the same bytes arrive', async () => {
    const from = await Snapshots.open(newDisk(), folder);
    const sent = await from.write(headerAt(7, 2), pieces('a', 'b'.repeat(3000)));
    for (const chunk of [1, 17, 1024, 1_000_000]) {
      const disk = newDisk();
      const to = await Snapshots.open(disk, folder);
      await send(from, sent, to, chunk);
      expect(to.newest?.header).toEqual(sent.header);
      disk.crash('all');
      const again = await Snapshots.open(disk, folder);
      expect(await contentOf(again, again.newest)).toEqual(['a', 'b'.repeat(3000)]);
    }
  });

  test('one flipped bit on the way is refused and named, and nothing is left of it', async () => {
    const from = await Snapshots.open(newDisk(), folder);
    const sent = await from.write(headerAt(7, 2), pieces('a', 'b'.repeat(300)));
    const bytes = Buffer.from(await from.readBytes(sent, 0, 10_000));
    for (let at = 0; at < bytes.length; at += 5) {
      const disk = newDisk();
      const to = await Snapshots.open(disk, folder);
      const receiver = await to.receive(sent.header.meta);
      const spoiled = Buffer.from(bytes);
      spoiled[at]! ^= 1 << (at % 8);
      await receiver.write(spoiled);
      await expect(receiver.finish(), `byte ${at}`).rejects.toMatchObject({
        code: 'PROTOCOL',
        message: expect.stringContaining('index 7'),
      });
      expect(disk.paths()).toEqual([]);
    }
  });

  test('another snapshot than the one that was offered is refused', async () => {
    const from = await Snapshots.open(newDisk(), folder);
    const sent = await from.write(headerAt(7, 2), pieces('a'));
    const to = await Snapshots.open(newDisk(), folder);
    const receiver = await to.receive(metaAt(8, 2));
    await receiver.write(await from.readBytes(sent, 0, 10_000));
    await expect(receiver.finish()).rejects.toMatchObject({ code: 'PROTOCOL' });
  });

  test('one that is abandoned, or cut off by a crash, leaves nothing', async () => {
    const disk = newDisk();
    const to = await Snapshots.open(disk, folder);
    const receiver = await to.receive(metaAt(8, 2));
    await receiver.write(Buffer.from('half'));
    await receiver.abandon();
    await receiver.abandon();
    expect(disk.paths()).toEqual([]);
    const cutOff = await to.receive(metaAt(8, 2));
    await cutOff.write(Buffer.from('half'));
    disk.killProcess();
    await Snapshots.open(disk, folder);
    expect(disk.paths()).toEqual([]);
  });

  test('one that has been replaced meanwhile is gone, and the reader is told', async () => {
    const from = await Snapshots.open(newDisk(), folder);
    const sent = await from.write(headerAt(7, 2), pieces('a'));
    await from.write(headerAt(8, 2), pieces('b'));
    await from.write(headerAt(9, 2), pieces('c'));
    await expect(from.readBytes(sent, 0, 10)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
