import { expect, test } from 'vitest';
import { digestOfRows } from '../../proto/rows-digest.ts';
import type { OwnCheck, OwnService } from '../../proto/schema/catalog.ts';

const identity = {
  ...{ node: 'web-1', nodeId: 'id', address: '10.0.0.1', datacenter: 'dc1' },
  ...{ taggedAddresses: { lan: '10.0.0.1', wan: '192.0.2.1' }, meta: {} },
};
const shop: OwnService = {
  ...{ id: 'shop', name: 'shop', tags: ['a', 'b'], address: '', port: 80, meta: { x: '1', y: '2' } },
  ...{ taggedAddresses: {}, weights: { passing: 1, warning: 1 }, enableTagOverride: false, kind: '' },
};
const door: OwnCheck = {
  ...{ id: 'door', name: 'door', notes: '', status: 'passing', output: 'fine', serviceId: '', type: 'tcp' },
  definition: {},
};
const lamp = { ...door, id: 'lamp' };
const digest = digestOfRows(identity, [shop], [door, lamp]);

test('neither the order of rows nor of keys counts, and neither does output', () => {
  const { meta: _meta, ...rest } = shop;
  expect(digestOfRows(identity, [{ meta: { y: '2', x: '1' }, ...rest }], [lamp, door])).toBe(digest);
  expect(digestOfRows(identity, [shop], [{ ...door, output: 'other' }, lamp])).toBe(digest);
});

test.each([
  ['an address', { ...identity, address: '10.0.0.2' }, [shop], [door, lamp]],
  ['a status', identity, [shop], [{ ...door, status: 'critical' }, lamp]],
  ['the order of tags', identity, [{ ...shop, tags: ['b', 'a'] }], [door, lamp]],
  ['a missing row', identity, [shop], [door]],
  ['a missing service', identity, [], [door, lamp]],
] as const)('%s makes a difference', (_what, who, services, checks) => {
  expect(digestOfRows(who, services as readonly OwnService[], checks)).not.toBe(digest);
});
