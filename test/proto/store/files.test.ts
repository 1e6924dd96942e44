import { expect, test } from 'vitest';
import { readJson, writeFileAtomically, writeJsonAtomically } from '../../../proto/store/files.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const path = '/data/file.json';

test('a crash at any step leaves the old content or the new, and the new one once it resolved', async () => {
  for (const kind of ['all', 'some', 'torn'] as const) {
    for (let step = 1; ; step++) {
      const disk = new SimDisk({ random: new SeededRandom(`${kind}/${step}`) });
      await writeJsonAtomically(disk, path, 'old');
      const start = disk.operations;
      let crashed = false;
      disk.onOperation = ({ number }) => {
        if (number !== start + step) return;
        crashed = true;
        disk.crash(kind);
      };
      let resolved = false;
      const writing = writeJsonAtomically(disk, path, 'new').then(() => {
        resolved = true;
      });
      await Promise.race([writing, new Promise((resolve) => setImmediate(resolve))]);
      disk.onOperation = null;
      disk.crash('all');
      expect(resolved ? ['new'] : ['old', 'new']).toContain(await readJson(disk, path));
      if (!crashed) break;
    }
  }
});

test('a leftover of a crash does not stand in the way, nor does it lend its rights', async () => {
  const disk = new SimDisk({ random: new SeededRandom('leftover') });
  await (await disk.open(`${path}.tmp`, { create: true })).write(0, Buffer.from('a longer leftover'));
  await writeFileAtomically(disk, path, Buffer.from('new'), { mode: 0o600 });
  expect(Buffer.from(disk.content(path)!).toString()).toBe('new');
  expect(disk.paths()).toEqual([path]);
});

test('a missing file is undefined, one that is no JSON is a SyntaxError', async () => {
  const disk = new SimDisk({ random: new SeededRandom('missing') });
  expect(await readJson(disk, path)).toBeUndefined();
  await writeFileAtomically(disk, path, Buffer.from('{'));
  await expect(readJson(disk, path)).rejects.toThrow(SyntaxError);
});
