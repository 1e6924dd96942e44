import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
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
