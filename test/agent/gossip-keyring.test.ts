import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyToBase64 } from '../../agent/gossip/keyring.ts';
import { loadKeyring, saveKeyring } from '../../agent/gossip-keyring.ts';
import { RealDisk } from '../../agent/host/disk.ts';

const keys = ['AAECAwQFBgcICQoLDA0ODw==', 'EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8='] as const;
const disk = new RealDisk();
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-keyring-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the ring is kept for nobody else to read, and counts more than the configuration', async () => {
  const path = join(folder, 'gossip', 'keyring.json');
  const ring = await loadKeyring(disk, path, [keys[0]]);
  ring.add(Buffer.from(keys[1], 'base64'));
  ring.use(Buffer.from(keys[1], 'base64'));
  await saveKeyring(disk, path, ring);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([keys[1], keys[0]]);
  const again = await loadKeyring(disk, path, [keys[0]]);
  expect(again.keys.map(keyToBase64)).toEqual([keys[1], keys[0]]);
});

test('who wants no encryption has no ring, whatever lies on the disk', async () => {
  const path = join(folder, 'keyring.json');
  writeFileSync(path, JSON.stringify([keys[0]]));
  expect((await loadKeyring(disk, path, [])).primary).toBeNull();
  expect((await loadKeyring(disk, null, [keys[0]])).keys).toHaveLength(1);
});

test.each(['', '{}', '[]', '[1]', '["short"]'])(
  'a file that holds %j is refused with what to do',
  async (text) => {
    const path = join(folder, 'keyring.json');
    writeFileSync(path, text);
    await expect(loadKeyring(disk, path, [keys[0]])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  },
);
