import { expect, test } from 'vitest';
import { LocalStore, type LocalStoreOptions } from '../../agent/local-store.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const folder = '/data/local';

function newDisk(): SimDisk {
  return new SimDisk({ random: new SeededRandom('local') });
}

async function open(
  disk: SimDisk,
  options: LocalStoreOptions = {},
): Promise<{ store: LocalStore; clock: VirtualClock }> {
  const clock = new VirtualClock();
  return { store: await LocalStore.open({ disk, clock }, folder, options), clock };
}

function writesOf(disk: SimDisk, path: string): () => number {
  let writes = 0;
  disk.onOperation = (operation) => {
    if (operation.name === 'rename' && operation.path === path) writes++;
  };
  return () => writes;
}

test('a value is there after a restart; one that was never written is undefined', async () => {
  const disk = newDisk();
  const { store } = await open(disk);
  const members = store.value<string[]>('members');
  expect(members.read()).toBeUndefined();
  members.write(['10.0.0.1:8301']);
  expect(members.read()).toEqual(['10.0.0.1:8301']);
  await store.flush();
  disk.crash('all');
  const { store: again } = await open(disk);
  expect(again.value('members').read()).toEqual(['10.0.0.1:8301']);
  expect(again.value('others').read()).toBeUndefined();
});

test('a value that changes all the time is written at once, then once per interval, and the newest wins', async () => {
  const disk = newDisk();
  const { store, clock } = await open(disk, { intervalMs: 1000 });
  const checks = store.value<number>('checks');
  const writes = writesOf(disk, `${folder}/checks.state.json`);
  for (let i = 1; i <= 100; i++) {
    checks.write(i);
    await clock.settleFor(100);
  }
  expect(writes()).toBeGreaterThanOrEqual(9);
  expect(writes()).toBeLessThanOrEqual(11);
  await store.close();
  expect((await open(disk)).store.value('checks').read()).toBe(100);
});

test('a value that rests is not written again', async () => {
  const disk = newDisk();
  const { store, clock } = await open(disk);
  const writes = writesOf(disk, `${folder}/checks.state.json`);
  store.value<number>('checks').write(1);
  await clock.settleFor(60_000);
  expect(writes()).toBe(1);
});

test('who waits for a value has it written at once, and shares the write with all who wait', async () => {
  const disk = newDisk();
  const { store } = await open(disk);
  const value = store.value<number>('checks');
  const writes = writesOf(disk, `${folder}/checks.state.json`);
  await value.saved();
  expect(writes()).toBe(0);
  value.write(1);
  await value.saved();
  const waiting = [2, 3, 4, 5].map((newest) => {
    value.write(newest);
    return value.saved();
  });
  await Promise.all(waiting);
  expect(writes()).toBeLessThanOrEqual(3);
  disk.crash('all');
  expect((await open(disk)).store.value('checks').read()).toBe(5);
});

test('who waits for a value on a failing disk is not held', async () => {
  const disk = newDisk();
  const { store } = await open(disk);
  const value = store.value<number>('checks');
  disk.failures.push({ name: 'write', code: 'ENOSPC' });
  value.write(1);
  await value.saved();
  expect((await open(disk)).store.value('checks').read()).toBeUndefined();
});

test('a crash at every step leaves the old value or the new one', async () => {
  for (let step = 1; ; step++) {
    const disk = newDisk();
    const { store } = await open(disk);
    const value = store.value<string>('value');
    value.write('old');
    await store.flush();
    let crashed = false;
    const start = disk.operations;
    disk.onOperation = ({ number }) => {
      if (number !== start + step) return;
      crashed = true;
      disk.crash('some');
    };
    value.write('new');
    await Promise.race([store.flush(), new Promise((resolve) => setImmediate(resolve))]);
    disk.onOperation = null;
    expect(['old', 'new']).toContain((await open(disk)).store.value('value').read());
    if (!crashed) break;
  }
});

test('a secret value is readable by its owner only', async () => {
  const disk = newDisk();
  const modes: unknown[] = [];
  const plainOpen = disk.open.bind(disk);
  disk.open = (path, options) => {
    modes.push(options?.mode);
    return plainOpen(path, options);
  };
  const { store } = await open(disk);
  store.value<string>('keyring', { mode: 0o600 }).write('secret');
  await store.flush();
  expect(modes).toEqual([0o600]);
});

test('a disk that fails is reported once, and the value is written when it works again', async () => {
  const disk = newDisk();
  const errors: unknown[] = [];
  const { store, clock } = await open(disk, { onError: (error) => errors.push(error) });
  for (let i = 0; i < 3; i++) disk.failures.push({ name: 'write', code: 'ENOSPC' });
  store.value<string>('value').write('kept');
  await clock.settleFor(2500);
  expect(errors).toMatchObject([{ code: 'CANNOT_WRITE' }]);
  await clock.settleFor(2500);
  expect(disk.content(`${folder}/value.state.json`)).toBeDefined();
  expect(errors).toHaveLength(1);
});

test('a file that makes no sense is set aside and named', async () => {
  const disk = newDisk();
  const { store } = await open(disk);
  store.value<string>('value').write('something');
  await store.close();
  disk.overwrite(`${folder}/value.state.json`, 0, Buffer.from('{'));
  const { store: again } = await open(disk);
  expect(again.damage).toMatchObject([{ file: `${folder}/value.state.json` }]);
  expect(again.value('value').read()).toBeUndefined();
  expect(disk.paths()).toContain(`${folder}/value.state.json.damaged`);
});

test('other files in the folder are left alone', async () => {
  const disk = newDisk();
  const file = await disk.open(`${folder}/keyring.json`, { create: true });
  await file.write(0, Buffer.from('no JSON'));
  expect((await open(disk)).store.damage).toEqual([]);
  expect(disk.paths()).toEqual([`${folder}/keyring.json`]);
});

test('two owners of one value, or a key that is no file name, are a bug', async () => {
  const { store } = await open(newDisk());
  store.value('value');
  expect(() => store.value('value')).toThrow('one owner');
  expect(() => store.value('../value')).toThrow('names a file');
});
