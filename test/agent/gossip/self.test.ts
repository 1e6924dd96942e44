import { expect, test } from 'vitest';
import { Records } from '../../../agent/gossip/records.ts';
import { metaOf, ownVsn, Self } from '../../../agent/gossip/self.ts';

function make(host = '10.0.0.1') {
  const records = new Records({ defaultPort: 8301 });
  return new Self({ name: 'me', advertise: { host, port: 8302 }, meta: metaOf({ id: 'x' }), records });
}

test('what we announce is what stock agents want to read', () => {
  const self = make();
  self.incarnation = 3;
  expect(self.alive()).toEqual({
    type: 'alive',
    node: 'me',
    incarnation: 3,
    addr: Uint8Array.of(10, 0, 0, 1),
    port: 8302,
    meta: metaOf({ id: 'x' }),
    vsn: ownVsn,
  });
  expect(make('::1').alive().addr).toHaveLength(16);
});

test('new tags change the announcement, not the number', () => {
  const self = make();
  const { number } = self;
  self.setMeta(metaOf({ id: 'x', role: 'web' }));
  expect(self.number).toBe(number);
  expect(self.record.plainTags).toEqual({ id: 'x', role: 'web' });
});

test('tags that do not fit are refused by name', () => {
  expect(() => metaOf({ id: 'x', notes: 'n'.repeat(600) })).toThrow('the longest is notes');
  expect(() => metaOf({ '': 'x' })).toThrow('a tag needs a name');
});
