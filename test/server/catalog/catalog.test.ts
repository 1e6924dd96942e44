import { expect, test } from 'vitest';
import { Catalog } from '../../../server/catalog/catalog.ts';
import { serviceOf } from '../story.ts';

function nodeOf(name: string, id: string, index: number) {
  return {
    name,
    id,
    address: '10.0.0.1',
    datacenter: 'dc1',
    taggedAddresses: null,
    meta: null,
    state: 'alive' as const,
    external: false,
    life: 1,
    incarnation: 0,
    journalId: '',
    revision: 0,
    createIndex: index,
    modifyIndex: index,
  };
}

function instance(node: string, id: string, name: string, index: number) {
  return { ...serviceOf(id, { name }), node, createIndex: index, modifyIndex: index };
}

test('a node id leads to the node that has it now', () => {
  const catalog = new Catalog();
  catalog.putNode(nodeOf('web-1', 'first', 1));
  catalog.putNode(nodeOf('web-1', 'second', 2));
  expect(catalog.nodeById('first')).toBeUndefined();
  expect(catalog.nodeById('second')?.name).toBe('web-1');
  catalog.removeNode('web-1', 3);
  expect(catalog.nodeById('second')).toBeUndefined();
});

test('a service keeps its hosts as long as they run an instance, also when it is renamed', () => {
  const catalog = new Catalog();
  catalog.putNode(nodeOf('web-1', 'id-1', 1));
  catalog.putService(instance('web-1', 'a', 'shop', 2));
  catalog.putService(instance('web-1', 'b', 'shop', 3));
  catalog.removeService('web-1', 'a', 4);
  expect(catalog.hostsOf('shop')).toEqual(['web-1']);
  catalog.putService(instance('web-1', 'b', 'store', 5));
  expect(catalog.hostsOf('shop')).toEqual([]);
  expect(catalog.hostsOf('store')).toEqual(['web-1']);
  expect(catalog.indexes.service('shop')).toBe(5);
});

test('the list of a node is a picture: later changes do not reach it', () => {
  const catalog = new Catalog();
  catalog.putNode(nodeOf('web-1', 'id-1', 1));
  catalog.putService(instance('web-1', 'a', 'shop', 2));
  const picture = catalog.servicesOf('web-1');
  catalog.putService(instance('web-1', 'b', 'shop', 3));
  expect(picture.map((row) => row.id)).toEqual(['a']);
  expect(catalog.servicesOf('web-1').map((row) => row.id)).toEqual(['a', 'b']);
});
