import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostClock } from '../../../agent/host/clock.ts';
import { RealDisk } from '../../../agent/host/disk.ts';
import { folderLock } from '../../../agent/host/folder-lock.ts';
import { DataFolder } from '../../../proto/store/layout.ts';
import { SeededRandom } from '../../sim/random.ts';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-recover-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const recover = (...words: string[]) => rollcall(['operator', 'recover', '--data-dir', folder, ...words]);

function open(): Promise<DataFolder> {
  const random = new SeededRandom(folder);
  return DataFolder.open(folder, { disk: new RealDisk(), random, clock: hostClock(), lock: folderLock });
}

test('a folder that is none stays as it is', async () => {
  const { code, error } = await recover('--yes');
  expect([code, error]).toEqual([2, expect.stringContaining('is no data folder')]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder in use is refused, and one without a server has nothing to recover', async () => {
  const held = await open();
  const inUse = await recover('--dry-run');
  expect([inUse.code, inUse.error]).toEqual([1, expect.stringContaining('in use')]);
  await held.release();
  const nothing = await recover('--dry-run');
  expect([nothing.code, nothing.error]).toEqual([
    1,
    expect.stringContaining('there is no server of any cluster'),
  ]);
});

test('a list of peers names this server as the only voter, or it is refused with advice', async () => {
  const held = await open();
  const id = held.meta.nodeId;
  await held.release();
  const path = join(folder, 'peers.json');
  const withPeers = async (peers: unknown) => {
    writeFileSync(path, typeof peers === 'string' ? peers : JSON.stringify(peers));
    const { code, error } = await recover('--dry-run', '--peers', path);
    return [code, error];
  };
  const own = { id, address: '10.0.0.1:8300' };
  const other = { id: 'other', address: '10.0.0.2:8300' };
  expect(await withPeers('nonsense')).toEqual([2, expect.stringContaining('no list')]);
  expect(await withPeers([other])).toEqual([2, expect.stringContaining('does not name the server')]);
  expect(await withPeers([{ ...own, non_voter: true }])).toEqual([2, expect.stringContaining('as a voter')]);
  expect(await withPeers([own, other])).toEqual([2, expect.stringContaining('"non_voter": true')]);
  const sound = await withPeers([own, { ...other, non_voter: true }]);
  expect(sound).toEqual([1, expect.stringContaining('there is no server of any cluster')]);
  expect((await recover('--dry-run', '--peers', join(folder, 'none'))).code).toBe(2);
});
