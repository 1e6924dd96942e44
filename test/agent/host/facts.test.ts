import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hostFacts } from '../../../agent/host/facts.ts';
import { hostProcesses } from '../../../agent/host/processes.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-facts-'));
afterAll(() => rmSync(folder, { recursive: true }));
const facts = hostFacts(hostProcesses());

test('a disk is counted as df counts it', async () => {
  const [disk, again] = await Promise.all([facts.disk('/'), facts.disk('/')]);
  expect(again).toBe(disk);
  const [total, free] = execFileSync('df', ['-B1', '--output=used,avail', '/'], { encoding: 'utf8' })
    .split('\n')[1]!
    .trim()
    .split(/\s+/)
    .map(Number);
  expect(Math.abs(disk.totalBytes - (total! + free!)) / disk.totalBytes).toBeLessThan(0.01);
  await expect(facts.disk('/no/such')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('memory and load are plausible', async () => {
  const { totalBytes, availableBytes } = await facts.memory();
  expect(totalBytes).toBe(os.totalmem());
  expect(availableBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThan(totalBytes);
  expect(facts.load().averages).toHaveLength(3);
  expect(facts.load().cpus).toBeGreaterThan(0);
});

test('a file is known with its rights and its real place', async () => {
  const file = path.join(folder, 'check');
  writeFileSync(file, 'hello');
  chmodSync(file, 0o750);
  symlinkSync(file, path.join(folder, 'link'));
  expect(await facts.file(path.join(folder, 'link'))).toMatchObject({
    path: file,
    mode: 0o750,
    isFile: true,
  });
  expect(await facts.file(folder)).toMatchObject({ isFile: false });
  expect(await facts.sha256(file)).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  await expect(facts.file('/no/such')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('users and groups are found by name and by number', async () => {
  expect(await facts.user('root')).toEqual({ uid: 0, gid: 0, home: '/root' });
  expect(await facts.user('4242424')).toEqual({ uid: 4242424, gid: 4242424, home: '/' });
  expect(await facts.user('no-such-user')).toBeNull();
  expect(await facts.group('root')).toBe(0);
  expect(await facts.group('77')).toBe(77);
  expect(await facts.group('no-such-group')).toBeNull();
});
