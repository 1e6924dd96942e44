import { describe, expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { writeJsonAtomically } from '../../../proto/store/files.ts';
import { DataFolder, type DataFolderPorts } from '../../../proto/store/layout.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const path = '/var/lib/rollcall';
const clusterId = '11111111-1111-4111-8111-111111111111';

function newDisk(seed = 'layout'): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed) });
}

let opened = 0;
function open(disk: SimDisk, more: Partial<DataFolderPorts> = {}): Promise<DataFolder> {
  return DataFolder.open(path, {
    disk,
    random: new SeededRandom(opened++),
    clock: new VirtualClock(),
    ...more,
  });
}

async function put(disk: SimDisk, name: string, text = ''): Promise<void> {
  await (await disk.open(`${path}/${name}`, { create: true })).write(0, Buffer.from(text));
}

test('a node keeps its id and its cluster for as long as it keeps its folder', async () => {
  const disk = newDisk();
  const folder = await open(disk);
  expect(folder.meta).toMatchObject({ format: 1, clusterId: null, createdAt: '2026-01-01T00:00:00.000Z' });
  await folder.update({ clusterId });
  disk.crash('all');
  const again = await open(disk);
  expect(again.meta).toEqual({ ...folder.meta, clusterId });
  expect(again.part('raft')).toBe(`${path}/raft`);
  expect((await open(newDisk())).meta.nodeId).not.toBe(folder.meta.nodeId);
});

test('a crash at every step of the first start leaves a folder that starts', async () => {
  for (let step = 1; ; step++) {
    const disk = newDisk(`step ${step}`);
    let crashed = false;
    disk.onOperation = ({ number }) => {
      if (number !== step) return;
      crashed = true;
      disk.crash('some');
    };
    await Promise.race([open(disk), new Promise((resolve) => setImmediate(resolve))]);
    disk.onOperation = null;
    const { meta } = await open(disk);
    disk.crash('all');
    expect((await open(disk)).meta.nodeId).toBe(meta.nodeId);
    if (!crashed) break;
  }
});

test('the configured id is that of a new folder, and has to be that of an old one', async () => {
  const disk = newDisk();
  const nodeId = 'ABCDEF00-1111-4111-8111-111111111111';
  expect((await open(disk, { nodeId })).meta.nodeId).toBe(nodeId.toLowerCase());
  await open(disk, { nodeId });
  await expect(open(disk, { nodeId: clusterId })).rejects.toMatchObject({
    code: 'DISK_FOREIGN',
    message: expect.stringMatching(/belongs to node abcdef00.* correct node_id/),
  });
});

test('what a newer program has noted survives', async () => {
  const disk = newDisk();
  const { meta } = await open(disk);
  await writeJsonAtomically(disk, `${path}/meta.json`, { ...meta, later: 'kept' });
  const folder = await open(disk);
  await folder.update({ clusterId });
  expect((await open(disk)).meta).toEqual({ ...meta, later: 'kept', clusterId });
});

describe('folders that cannot be used are named, with what to do', () => {
  async function failure(disk: SimDisk, more: Partial<DataFolderPorts> = {}): Promise<ExpectedError> {
    const error = await open(disk, more).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ExpectedError);
    expect((error as ExpectedError).message).toContain(path);
    return error as ExpectedError;
  }

  test('unwritable', async () => {
    const disk = newDisk();
    disk.failures.push({ name: 'open', code: 'EACCES' });
    const error = await failure(disk);
    expect([error.code, error.message]).toEqual(['CANNOT_WRITE', expect.stringContaining('no permission')]);
  });

  test('of a newer format', async () => {
    const disk = newDisk();
    await put(disk, 'meta.json', '{"format":2}');
    const error = await failure(disk);
    expect([error.code, error.message]).toEqual(['DISK_FOREIGN', expect.stringContaining('newer version')]);
  });

  test.each(['', '{', '[]', '{"format":1}', '{"format":1,"nodeId":"x","clusterId":null,"createdAt":""}'])(
    'with a meta.json that holds %j',
    async (text) => {
      const disk = newDisk();
      await put(disk, 'meta.json', text);
      expect((await failure(disk)).code).toBe('DISK_DAMAGED');
    },
  );

  test('with our data and no meta.json', async () => {
    const disk = newDisk();
    await put(disk, 'raft/0000000000000001.log');
    const error = await failure(disk);
    expect([error.code, error.message]).toEqual(['DISK_DAMAGED', expect.stringContaining('holds raft')]);
  });

  test('that belong to something else', async () => {
    const disk = newDisk();
    await put(disk, 'photo.jpg');
    const error = await failure(disk);
    expect([error.code, error.message]).toEqual(['DISK_FOREIGN', expect.stringContaining('photo.jpg')]);
  });

  test('in use', async () => {
    const held = new ExpectedError('DISK_IN_USE', `${path} is in use by process 7`);
    const lock = { acquire: () => Promise.reject(held) };
    expect(await failure(newDisk(), { lock })).toBe(held);
  });
});

test('the lock is released at the end, and when opening fails', async () => {
  const disk = newDisk();
  let held = 0;
  const lock = {
    acquire: async () => {
      held++;
      return async () => {
        held--;
      };
    },
  };
  const folder = await open(disk, { lock });
  expect(held).toBe(1);
  await folder.release();
  expect(held).toBe(0);
  await put(disk, 'meta.json', '[');
  await expect(open(disk, { lock })).rejects.toThrow();
  expect(held).toBe(0);
});
