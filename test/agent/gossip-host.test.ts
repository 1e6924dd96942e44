import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type GossipMembership, type GossipStart, startGossip } from '../../agent/gossip-thread.ts';

const running: GossipMembership[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((gossip) => gossip.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function start(name: string, options: Partial<GossipStart> = {}): Promise<GossipMembership> {
  const gossip = await startGossip({
    name,
    bind: { host: '127.0.0.1', port: 0 },
    tags: { id: `id-of-${name}`, rc_gossip: '1' },
    config: { leavePropagateMs: 50 },
    ...options,
  });
  running.push(gossip);
  return gossip;
}

function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'rollcall-host-')));
  return folders.at(-1)!;
}

const sees = (gossip: GossipMembership, name: string) => () =>
  gossip.members().find((member) => member.name === name)?.state;

test('after a restart the members of the last life are found without being named', async () => {
  const snapshotPath = join(folder(), 'snapshot');
  const one = await start('one');
  const two = await start('two', { snapshotPath });
  await two.join([`127.0.0.1:${one.local.port}`]);
  await two.stop();
  const again = await start('two', { snapshotPath });
  await expect.poll(sees(again, 'one')).toBe('alive');
});

test('after a goodbye for good the next start looks for nobody', async () => {
  const snapshotPath = join(folder(), 'snapshot');
  const one = await start('one');
  const two = await start('two', { snapshotPath });
  await two.join([`127.0.0.1:${one.local.port}`]);
  await two.leave({ forGood: true });
  await two.stop();
  expect(readFileSync(snapshotPath, 'utf8')).toMatch(/leave\n$/);
});

test('a rotated key is on the disk', async () => {
  const keyringPath = join(folder(), 'keyring.json');
  const [old, next] = ['AAECAwQFBgcICQoLDA0ODw==', 'EBESExQVFhcYGRobHB0eHw=='];
  const one = await start('one', { keys: [old], keyringPath });
  await one.keys('install', next);
  await one.keys('use', next);
  await one.stop();
  expect(JSON.parse(readFileSync(keyringPath, 'utf8'))).toEqual([next, old]);
  // The file counts now, whatever the configuration still says.
  const again = await start('one', { keys: [old], keyringPath });
  expect((await again.keys('list', '')).primaryKeys).toEqual({ [next]: 1 });
});

test('a name is looked up, and joined when one of its addresses answers', async () => {
  const one = await start('one');
  const two = await start('two');
  const result = await two.join([`localhost:${one.local.port}`, 'no-such-host.invalid']);
  expect(result.joined).toBe(1);
  expect(result.failures).toMatchObject([{ address: 'no-such-host.invalid' }]);
});

test('agents with and without a key, or with another label, do not come together', async () => {
  const sealed = await start('sealed', { keys: ['AAECAwQFBgcICQoLDA0ODw=='] });
  const plain = await start('plain');
  const labelled = await start('labelled', { label: 'blue' });
  const notice = new Promise((resolve) => sealed.onNotice(resolve));
  expect(await plain.join([`127.0.0.1:${sealed.local.port}`])).toMatchObject({ joined: 0 });
  expect(await labelled.join([`127.0.0.1:${plain.local.port}`])).toMatchObject({ joined: 0 });
  expect(await notice).toMatchObject({
    kind: 'intrusion',
    report: { reasons: { 'not-encrypted': 1 }, sources: [{ host: '127.0.0.1', count: 1 }] },
  });
});
