import { expect, test } from 'vitest';
import type { KeyOperation } from '../../agent/gossip/serf/internal-queries.ts';
import type { KeyReport } from '../../agent/gossip/serf/keys.ts';
import { KeyRotation, nextStep, type SavedRotation } from '../../agent/key-rotation.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';

const old = Buffer.alloc(32, 1).toString('base64');
const target = Buffer.alloc(32, 2).toString('base64');

/** Members with their rings, which answer unless they are away. */
class Cluster {
  readonly rings = new Map<string, string[]>();
  readonly away = new Set<string>();
  readonly failed = new Set<string>();
  readonly said: string[] = [];
  readonly clock = new VirtualClock();
  readonly stored: { value: SavedRotation | null | undefined } = { value: undefined };
  rotation: KeyRotation;

  constructor(names: readonly string[], ring: readonly string[] = [old]) {
    for (const name of names) this.rings.set(name, [...ring]);
    this.rotation = this.agent();
  }

  /** The agent that is asked to rotate, as after a start. */
  agent(): KeyRotation {
    return new KeyRotation({
      clock: this.clock,
      random: new SeededRandom('keys'),
      keys: async (operation, key) => this.ask(operation, key),
      failedMembers: () => [...this.failed],
      saved: {
        read: () => this.stored.value,
        write: (value) => {
          this.stored.value = value;
        },
        saved: async () => {},
      },
    });
  }

  ask(operation: KeyOperation, key: string): KeyReport {
    if (operation !== 'list') this.said.push(`${operation} ${key === old ? 'old' : 'new'}`);
    const present = [...this.rings].filter(([name]) => !this.failed.has(name));
    const answering = present.filter(([name]) => !this.away.has(name));
    for (const [name, ring] of answering) this.rings.set(name, this.changed(ring, operation, key));
    return {
      members: present.length,
      succeeded: answering.length,
      failures: {},
      silent: present.map(([name]) => name).filter((name) => this.away.has(name)),
      keys: {},
      primaryKeys: {},
      rings: Object.fromEntries(answering.map(([name]) => [name, [...this.rings.get(name)!]])),
    };
  }

  changed(ring: string[], operation: KeyOperation, key: string): string[] {
    const others = ring.filter((known) => known !== key);
    if (operation === 'install') return ring.includes(key) ? ring : [...ring, key];
    if (operation === 'use') return [key, ...others];
    return operation === 'remove' ? others : ring;
  }

  get allRings(): string[][] {
    return [...this.rings.values()];
  }
}

test('what is next follows from the rings alone', () => {
  expect(nextStep([[old], [old]], target)).toEqual({ operation: 'install', key: target });
  expect(nextStep([[old, target], [old]], target)).toEqual({ operation: 'install', key: target });
  expect(
    nextStep(
      [
        [old, target],
        [target, old],
      ],
      target,
    ),
  ).toEqual({ operation: 'use', key: target });
  expect(nextStep([[target, old], [target]], target)).toEqual({ operation: 'remove', key: old });
  expect(nextStep([[target], [target]], target)).toBeNull();
});

test('all members install, then all use, then all remove', async () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const { to } = await cluster.rotation.start(null);
  await cluster.clock.settleFor(0);
  expect(cluster.said).toEqual(['install new', 'use new', 'remove old']);
  expect(cluster.allRings).toEqual([[to], [to], [to]]);
  expect(Buffer.from(to, 'base64')).toHaveLength(32);
  expect(cluster.rotation.status()).toMatchObject({ state: 'done', to, reason: '' });
  expect(cluster.stored.value).toBeNull();
});

test('a member that does not answer is waited for, before anybody uses the key', async () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  await cluster.rotation.start(target);
  cluster.away.add('b');
  await cluster.clock.settleFor(60_000);
  expect(cluster.said).not.toContain('use new');
  expect(cluster.rotation.status()).toMatchObject({ state: 'running', reason: 'no answer from b' });
  cluster.away.clear();
  await cluster.clock.settleFor(2_000);
  expect(cluster.allRings).toEqual([[target], [target], [target]]);
});

test('a member that failed would be locked out: it is waited for until it is back or given up', async () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.failed.add('c');
  await cluster.rotation.start(target);
  await cluster.clock.settleFor(60_000);
  expect(cluster.said).toEqual(['install new']);
  expect(cluster.rotation.status().reason).toMatch(/^waiting for c, failed/);
  cluster.failed.clear();
  await cluster.clock.settleFor(2_000);
  expect(cluster.said).toEqual(['install new', 'install new', 'use new', 'remove old']);
  expect(cluster.allRings).toEqual([[target], [target], [target]]);
});

test('a member that joins in the middle with the old key is taken along', async () => {
  const cluster = new Cluster(['a', 'b']);
  const { ask } = cluster;
  cluster.ask = (operation, key) => {
    const report = ask.call(cluster, operation, key);
    if (operation === 'use' && !cluster.rings.has('late')) cluster.rings.set('late', [old]);
    return report;
  };
  await cluster.rotation.start(target);
  await cluster.clock.settleFor(0);
  expect(cluster.said).toEqual(['install new', 'use new', 'install new', 'use new', 'remove old']);
  expect(cluster.allRings).toEqual([[target], [target], [target]]);
});

test('an agent that was stopped in the middle can go on, or go back', async () => {
  for (const wish of ['resume', 'abort'] as const) {
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.failed.add('c');
    await cluster.rotation.start(target);
    await cluster.clock.settleFor(1_000);
    await cluster.rotation.stop();
    expect(cluster.rotation.status().state).toBe('interrupted');
    cluster.failed.clear();
    cluster.rotation = cluster.agent();
    expect(cluster.rotation.status()).toMatchObject({ state: 'interrupted', to: target, from: old });
    await expect(cluster.rotation.start(null)).rejects.toThrow('resume or abort it first');
    await cluster.rotation[wish]();
    await cluster.clock.settleFor(0);
    const end = wish === 'resume' ? target : old;
    expect(cluster.allRings).toEqual([[end], [end], [end]]);
    expect(cluster.stored.value).toBeNull();
  }
});

test('a rotation that runs can be aborted, also when the new key is in use already', async () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const { ask } = cluster;
  cluster.ask = (operation, key) => {
    const report = ask.call(cluster, operation, key);
    if (operation === 'use' && key === target) cluster.away.add('b');
    return report;
  };
  await cluster.rotation.start(target);
  await cluster.clock.settleFor(10_000);
  expect(cluster.allRings[0]).toEqual([target, old]);
  await expect(cluster.rotation.start(null)).rejects.toThrow('under way');
  await cluster.rotation.abort();
  cluster.away.clear();
  await cluster.clock.settleFor(4_000);
  expect(cluster.allRings).toEqual([[old], [old], [old]]);
});

test('going back waits for nobody who has the old key anyway', async () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.failed.add('c');
  await cluster.rotation.start(target);
  await cluster.clock.settleFor(10_000);
  const ended = cluster.rotation.abort();
  await cluster.clock.settleFor(10_000);
  await ended;
  await cluster.clock.settleFor(10_000);
  expect(cluster.rotation.status()).toMatchObject({ state: 'done', to: old });
  expect(cluster.allRings).toEqual([[old], [old], [old]]);
});

test('two rotations at once stop, and do not chase each other', async () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.failed.add('c');
  cluster.rings.set('c', [old]);
  await cluster.rotation.start(target);
  await cluster.clock.settleFor(1_000);
  cluster.ask('install', 'somebody else’s');
  await cluster.clock.settleFor(2_000);
  expect(cluster.rotation.status()).toMatchObject({ state: 'interrupted' });
  expect(cluster.rotation.status().reason).toMatch(/somebody else changes the rings/);
});

test('a key is taken however its base64 is written, and nothing begins with what is none', async () => {
  const cluster = new Cluster(['a', 'b']);
  await expect(cluster.rotation.start('abc')).rejects.toThrow('a gossip key is base64 of 16, 24 or 32 bytes');
  expect(cluster.rotation.status().state).toBe('none');
  await cluster.rotation.start(target.replaceAll('=', ''));
  await cluster.clock.settleFor(0);
  expect(cluster.allRings).toEqual([[target], [target]]);
});

test('rings that do not say where to begin are refused', async () => {
  const two = new Cluster(['a', 'b'], [old, target]);
  await expect(two.rotation.start(null)).rejects.toThrow('the rings hold 2 keys');
  const uneven = new Cluster(['a', 'b']);
  uneven.rings.set('b', [target, old]);
  await expect(uneven.rotation.start(target)).rejects.toThrow('do not all seal with one key');
  const silent = new Cluster(['a', 'b']);
  silent.away.add('b');
  await expect(silent.rotation.start(null)).rejects.toThrow('no answer from b');
  await expect(silent.rotation.abort()).rejects.toThrow('no key rotation to abort');
  expect(() => silent.rotation.resume()).toThrow('no key rotation to go on with');
});
