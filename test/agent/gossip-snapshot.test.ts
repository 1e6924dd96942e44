import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MembershipChange } from '../../agent/gossip/membership.ts';
import { SnapshotFile } from '../../agent/gossip-snapshot.ts';
import { RealDisk } from '../../agent/host/disk.ts';

let folder = '';
const errors: string[] = [];
const clocks = { member: 3, event: 4, query: 5 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-snapshot-'));
  errors.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'gossip', 'snapshot');
const open = () =>
  SnapshotFile.open({
    disk: new RealDisk(),
    path: path(),
    clocks: () => clocks,
    onError: (message) => errors.push(message),
  });

function change(kind: MembershipChange['kind'], name: string, port = 8301): MembershipChange {
  const member = {
    name,
    address: { host: '10.0.0.1', port },
    tags: {},
    state: 'alive' as const,
    incarnation: 1,
    sinceMs: 0,
    vsn: [],
  };
  return { kind, member, dossier: null };
}

test('members and clocks of one life are there in the next', async () => {
  const { file, content } = await open();
  expect(content.alive.size).toBe(0);
  file.note(change('joined', 'web'));
  file.note(change('joined', 'db'));
  file.note(change('failed', 'db'));
  file.note(change('updated', 'web', 8302));
  await file.close();
  const next = await open();
  expect(next.content).toEqual({ alive: new Map([['web', { host: '10.0.0.1', port: 8302 }]]), clocks });
  await next.file.close();
  expect(statSync(path()).mode & 0o777).toBe(0o600);
});

test('what changes nothing is not written', async () => {
  const { file } = await open();
  file.note(change('joined', 'web'));
  file.note(change('updated', 'web'));
  file.note(change('reaped', 'nobody'));
  file.noteTime();
  await file.close();
  expect(readFileSync(path(), 'utf8')).toBe(
    'alive: web 10.0.0.1:8301\nclock: 3\nevent-clock: 4\nquery-clock: 5\n',
  );
});

test('after a goodbye the next life begins alone', async () => {
  const { file } = await open();
  file.note(change('joined', 'web'));
  file.noteLeave();
  file.note(change('joined', 'db'));
  await file.close();
  const next = await open();
  expect(next.content).toEqual({ alive: new Map(), clocks: { member: 0, event: 0, query: 0 } });
  await next.file.close();
});

test('a file that has grown is written anew', async () => {
  const { file } = await open();
  file.note(change('joined', 'web'));
  const name = 'x'.repeat(1_000);
  for (let i = 0; i < 150; i++) {
    file.note(change('joined', name, i + 1));
    file.note(change('failed', name));
  }
  await file.close();
  const { size } = statSync(path());
  expect(size).toBeLessThan(1_000);
  const next = await open();
  expect([...next.content.alive.keys()]).toEqual(['web']);
  next.file.note(change('joined', 'db'));
  await next.file.close();
  expect(readFileSync(path(), 'utf8')).toContain('alive: db');
});

test('a disk that fails costs a notice, and nothing else', async () => {
  const { file } = await SnapshotFile.open({
    disk: Object.assign(new RealDisk(), {
      open: async () => ({
        write: () => Promise.reject(new Error('no space left')),
        close: () => Promise.resolve(),
      }),
    }) as unknown as RealDisk,
    path: path(),
    clocks: () => clocks,
    onError: (message) => errors.push(message),
  });
  file.note(change('joined', 'web'));
  await file.close();
  expect(errors).toEqual([`the gossip snapshot ${path()} cannot be written: no space left`]);
  file.note(change('joined', 'db'));
  await file.close();
  expect(errors).toHaveLength(1);
});
