import { expect, test } from 'vitest';
import type { CatalogQuery } from '../../../proto/rpc.ts';
import { queryCatalog } from '../../../server/catalog/query.ts';
import { checkOf, put, Story, serviceOf, startMs, turned } from '../story.ts';

function ask(story: Story, query: CatalogQuery) {
  const { rows, index } = queryCatalog(story.fsm.state.catalog, query);
  return {
    nodes: rows.nodes.map((row) => row.name),
    services: rows.services.map((row) => `${row.node}/${row.id}`),
    checks: rows.checks.map((row) => `${row.node}/${row.id}`),
    index,
  };
}

/** web-2 and web-1 run a shop each, web-1 also a blog. */
function twoHosts(): Story {
  const story = new Story();
  for (const node of ['web-2', 'web-1']) {
    story.alive(node);
    story.journal(node, [
      { kind: 'service.put', revision: 1, observedAtMs: startMs, service: serviceOf('shop') },
      put(2, checkOf('shop-http', { serviceId: 'shop' })),
      put(3, checkOf('disk')),
    ]);
  }
  story.journal('web-1', [
    { kind: 'service.put', revision: 4, observedAtMs: startMs, service: serviceOf('blog') },
    put(5, checkOf('blog-http', { serviceId: 'blog', status: 'critical' })),
  ]);
  return story;
}

test('rows come sorted by node and id, whatever the order in which they were written', () => {
  const story = twoHosts();
  expect(ask(story, { of: 'nodes' })).toMatchObject({ nodes: ['web-1', 'web-2'], services: [], checks: [] });
  expect(ask(story, { of: 'services' }).services).toEqual(['web-1/blog', 'web-1/shop', 'web-2/shop']);
  expect(ask(story, { of: 'nodeChecks', node: 'web-1' }).checks).toEqual([
    'web-1/blog-http',
    'web-1/disk',
    'web-1/serfHealth',
    'web-1/shop-http',
  ]);
  expect(ask(story, { of: 'checksInState', state: 'critical' }).checks).toEqual(['web-1/blog-http']);
  expect(ask(story, { of: 'checksInState', state: 'any' }).checks).toHaveLength(7);
  expect(ask(story, { of: 'serviceChecks', name: 'shop' }).checks).toEqual([
    'web-1/shop-http',
    'web-2/shop-http',
  ]);
});

test('all tables at once, with the nodes that left', () => {
  const story = twoHosts();
  story.commit({ kind: 'node.left', v: 1, node: 'web-2', life: 1, cause: 'leave' });
  const { nodes, services, checks } = ask(story, { of: 'all' });
  expect([nodes, services]).toEqual([
    ['web-1', 'web-2'],
    ['web-1/blog', 'web-1/shop'],
  ]);
  expect(checks).toHaveLength(4);
  expect(ask(story, { of: 'nodes' }).nodes).toEqual(['web-1']);
});

test('a service comes with its nodes and the checks of both, not those of other services', () => {
  expect(ask(twoHosts(), { of: 'service', name: 'shop' })).toMatchObject({
    nodes: ['web-1', 'web-2'],
    services: ['web-1/shop', 'web-2/shop'],
    checks: [
      'web-1/disk',
      'web-1/serfHealth',
      'web-1/shop-http',
      'web-2/disk',
      'web-2/serfHealth',
      'web-2/shop-http',
    ],
  });
});

test('a node is found by name and by id; nobody is not', () => {
  const story = twoHosts();
  expect(ask(story, { of: 'node', node: 'id-web-1' })).toMatchObject({
    nodes: ['web-1'],
    services: ['web-1/blog', 'web-1/shop'],
  });
  expect(ask(story, { of: 'node', node: 'nobody' })).toEqual({
    nodes: [],
    services: [],
    checks: [],
    index: 1,
  });
});

test('the index of a service moves with its checks, its nodes and their checks, and with nothing else', () => {
  const story = twoHosts();
  const shop = () => ask(story, { of: 'service', name: 'shop' }).index;
  const moves = (act: () => void): boolean => {
    const before = shop();
    act();
    return shop() > before;
  };
  expect(moves(() => story.journal('web-2', [turned(4, 'shop-http', 'critical')]))).toBe(true);
  expect(moves(() => story.journal('web-2', [turned(5, 'disk', 'warning')]))).toBe(true);
  expect(moves(() => story.failed('web-2'))).toBe(true);
  expect(moves(() => story.journal('web-1', [turned(6, 'blog-http', 'passing')]))).toBe(false);
  expect(moves(() => story.alive('db'))).toBe(false);
});

test('the index of a name never seen is 1, and grows when its last instance goes', () => {
  const story = twoHosts();
  const blog = () => ask(story, { of: 'service', name: 'blog' });
  expect(ask(story, { of: 'service', name: 'mail' }).index).toBe(1);
  const before = blog().index;
  story.commit({ kind: 'catalog.deregister', v: 1, node: 'web-1', serviceId: 'blog', checkId: '' });
  expect(blog()).toMatchObject({ services: [], nodes: [] });
  expect(blog().index).toBeGreaterThan(before);
});

test('writing the same again and moving a journal wake nobody', () => {
  const story = twoHosts();
  const before = ask(story, { of: 'nodes' }).index;
  story.alive('web-1');
  story.journal('web-1', [put(6, checkOf('blog-http', { serviceId: 'blog', status: 'critical' }))]);
  expect(ask(story, { of: 'nodes' }).index).toBe(before);
});

test('a node that left and took everything is no longer shown, its row remembers the journal', () => {
  const story = twoHosts();
  const before = ask(story, { of: 'node', node: 'web-2' }).index;
  story.commit({ kind: 'node.left', v: 1, node: 'web-2', life: 1, cause: 'leave' });
  expect(ask(story, { of: 'nodes' }).nodes).toEqual(['web-1']);
  expect(ask(story, { of: 'node', node: 'web-2' })).toMatchObject({ nodes: [], services: [] });
  expect(ask(story, { of: 'node', node: 'web-2' }).index).toBeGreaterThan(before);
  expect(story.fsm.state.catalog.node('web-2')?.revision).toBe(3);
});
