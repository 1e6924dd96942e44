import { expect, test } from 'vitest';
import { Records } from '../../../agent/gossip/records.ts';
import { aliveOf } from './stage.ts';

test('the same announcement is kept once', () => {
  const records = new Records({ defaultPort: 8301 });
  const first = records.intern(aliveOf('web'))!;
  expect(records.intern(aliveOf('web'))).toBe(first);
  const moved = records.intern(aliveOf('web', { host: 99 }))!;
  expect(moved).not.toBe(first);
  expect(moved.number).toBe(first.number);
  expect(moved.sameAddress(first)).toBe(false);
  expect(records.numberOf('web')).toBe(first.number);
});

test('a record holds copies, because packets are used again', () => {
  const records = new Records({ defaultPort: 8301 });
  const alive = aliveOf('web', { tags: { id: 'x' } });
  const record = records.intern(alive)!;
  alive.meta.fill(0);
  expect(record.id).toBe('x');
  expect(record.plainTags).toEqual({ id: 'x' });
});

test('port 0 of very old members means the usual one', () => {
  const records = new Records({ defaultPort: 7946 });
  expect(records.intern({ ...aliveOf('old'), port: 0 })?.endpoint.port).toBe(7946);
});

test('an address of a wrong length is no announcement', () => {
  const records = new Records({ defaultPort: 1 });
  expect(records.intern({ ...aliveOf('odd'), addr: new Uint8Array(5) })).toBeUndefined();
  expect(records.size).toBe(0);
});

test('a forgotten name gives its number back; shared records keep it', () => {
  const records = new Records({ defaultPort: 1 });
  const one = records.intern(aliveOf('one'))!;
  records.release(one);
  expect(records.numberOf('one')).toBeUndefined();
  expect(records.intern(aliveOf('two'))?.number).toBe(one.number);
  expect(records.size).toBe(1);

  const shared = new Records({ defaultPort: 1, shared: true });
  const kept = shared.intern(aliveOf('one'))!;
  shared.release(kept);
  expect(shared.numberOf('one')).toBe(kept.number);
});

test('one data folder is one owner; none at all proves nothing', () => {
  const records = new Records({ defaultPort: 1 });
  const at = (host: number, tags: Record<string, string>) => records.intern(aliveOf('web', { host, tags }))!;
  expect(at(1, { id: 'x' }).hasSameOwner(at(2, { id: 'x' }))).toBe(true);
  expect(at(1, { id: 'x' }).hasSameOwner(at(2, { id: 'y' }))).toBe(false);
  expect(at(1, {}).hasSameOwner(at(2, {}))).toBe(false);
});

test('hashes tell announcements apart', () => {
  const records = new Records({ defaultPort: 1 });
  const one = records.intern(aliveOf('web'))!;
  const other = records.intern(aliveOf('web', { tags: { id: 'y' } }))!;
  expect(other.nameHash).toBe(one.nameHash);
  expect(other.hash).not.toBe(one.hash);
});
