import { expect, test } from 'vitest';
import {
  consulStatus,
  shapeCatalogService,
  shapeInstance,
  shapeLocalService,
  shapeMember,
} from '../../../agent/http/shapes.ts';
import type { NodeRow, ServiceRow } from '../../../proto/schema/catalog.ts';
import { member } from './stage.ts';

const service: ServiceRow = {
  node: 'web-1',
  id: 'web',
  name: 'web',
  tags: [],
  address: '',
  port: 80,
  meta: {},
  taggedAddresses: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  kind: '',
  createIndex: 3,
  modifyIndex: 4,
};
const node = {
  name: 'web-1',
  id: 'id',
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: null,
  meta: null,
};

test("what vouches for nothing shows as critical to Consul's clients", () => {
  const words = ['passing', 'warning', 'critical', 'pending', 'stale', 'fine'];
  expect(words.map((word) => consulStatus(word, 'critical'))).toEqual([
    'passing',
    'warning',
    'critical',
    'critical',
    'critical',
    'fine',
  ]);
  expect(consulStatus('pending', 'warning')).toBe('warning');
  expect(consulStatus('stale', 'warning')).toBe('critical');
});

test('an empty meta is {} with the agent and in catalog/service, and null in catalog/node and health', () => {
  expect(shapeLocalService(service, 'dc1').Meta).toEqual({});
  expect(shapeCatalogService(service, node as NodeRow).ServiceMeta).toEqual({});
  expect(shapeInstance(service).Meta).toBeNull();
});

test('empty addresses and kinds are left out, tags never', () => {
  for (const shaped of [shapeLocalService(service, 'dc1'), shapeInstance(service)]) {
    expect(shaped).not.toHaveProperty('TaggedAddresses');
    expect(shaped).not.toHaveProperty('Kind');
    expect(shaped.Tags).toEqual([]);
  }
  const tagged = { ...service, kind: 'gateway', taggedAddresses: { lan: { address: '10.0.0.1', port: 80 } } };
  expect(shapeInstance(tagged)).toMatchObject({
    Kind: 'gateway',
    TaggedAddresses: { lan: { Address: '10.0.0.1', Port: 80 } },
  });
});

test("a member that said nothing of its versions gets Serf's", () => {
  expect(shapeMember(member('a', { vsn: [] }))).toMatchObject({
    ProtocolMin: 1,
    ProtocolMax: 5,
    DelegateCur: 4,
  });
});
