import { expect, test } from 'vitest';
import type { Body } from '../../../server/fsm/change.ts';
import { checkOf, membershipOf, put, Story, serviceOf } from '../story.ts';

type Fields = Partial<Omit<Body<'catalog.register'>, 'kind' | 'v' | 'node'>>;

function register(name: string, fields: Fields = {}, id = ''): Body<'catalog.register'> {
  const host = { address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  const node = { name, id, ...host, skipUpdate: false };
  return { kind: 'catalog.register', v: 1, node, service: null, checks: [], ...fields };
}

function externalCheck(id: string, status: string, serviceId = '') {
  return { ...checkOf(id, { status, serviceId }), node: 'db', serviceName: '', serviceTags: [] };
}

test('an external node with a service and a check, twice', () => {
  const story = new Story();
  const body = register('db', {
    service: serviceOf('pg', { tags: ['a'] }),
    checks: [externalCheck('up', 'passing', 'pg')],
  });
  story.commit(body);
  const { catalog } = story.fsm.state;
  const before = { node: catalog.node('db'), check: catalog.check('db', 'up') };
  expect(before.node).toMatchObject({ external: true, state: 'alive', life: 1, createIndex: 1 });
  expect(before.check).toMatchObject({ serviceName: 'pg', serviceTags: ['a'] });
  story.commit(body);
  expect({ node: catalog.node('db'), check: catalog.check('db', 'up') }).toEqual(before);
  expect(story.news()).toEqual(['node.joined >alive', 'service.registered >', 'check.added >passing']);
});

test('its newest output is in the catalog, since no agent keeps it; a change of status is an event', () => {
  const story = new Story();
  story.commit(register('db', { checks: [externalCheck('up', 'passing')] }));
  story.news();
  story.commit(register('db', { checks: [{ ...externalCheck('up', 'passing'), output: '3 ms' }] }));
  expect(story.news()).toEqual([]);
  expect(story.fsm.state.catalog.check('db', 'up')).toMatchObject({
    output: '3 ms',
    modifyIndex: 2,
    createIndex: 1,
  });
  story.commit(register('db', { checks: [externalCheck('up', 'critical')] }));
  expect(story.events).toMatchObject([
    { Kind: 'check.changed', From: 'passing', To: 'critical', Cause: 'operator' },
  ]);
});

test('nothing is written when part of it is refused', () => {
  const story = new Story();
  const outcome = story.commit(register('db', { checks: [externalCheck('up', 'passing', 'pg')] }));
  expect(outcome.refused?.message).toBe('failed inserting check: Missing service registration on node "db"');
  expect(story.fsm.state.catalog.names()).toEqual([]);
  expect(story.news()).toEqual([]);
});

test('the name of a living agent is not taken, and its node row stays its own', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  expect(story.commit(register('web-1', {}, 'another-id')).refused?.code).toBe('NAME_TAKEN');
  expect(story.commit(register('web-1')).refused).toBeNull();
  expect(story.fsm.state.catalog.node('web-1')).toMatchObject({ address: '10.0.0.1', external: false });
});

test('a known node id under a new name is a rename: the old entry goes with everything', () => {
  const story = new Story();
  story.commit(register('db', { service: serviceOf('pg') }, 'uuid-1'));
  story.commit(register('db-new', {}, 'uuid-1'));
  expect(story.fsm.state.catalog.names()).toEqual(['db-new']);
  expect(story.events.slice(2)).toMatchObject([
    { Kind: 'node.reaped', Node: 'db' },
    { Kind: 'node.joined', Node: 'db-new' },
  ]);
});

test('deregister removes a check, a service with its checks, or all of it; unknown is fine', () => {
  const story = new Story();
  const checks = [externalCheck('up', 'passing', 'pg'), externalCheck('disk', 'passing')];
  story.commit(register('db', { service: serviceOf('pg'), checks }));
  story.news();
  const deregister = (serviceId: string, checkId: string) =>
    story.commit({ kind: 'catalog.deregister', v: 1, node: 'db', serviceId, checkId });
  deregister('', 'disk');
  deregister('pg', '');
  deregister('', '');
  deregister('', '');
  expect(story.news()).toEqual(['check.removed passing>', 'service.deregistered >', 'node.reaped alive>']);
});

test('gossip says nothing about an external node', () => {
  const story = new Story();
  story.commit(register('db'));
  story.news();
  story.failed('db');
  story.commit({ kind: 'node.left', v: 1, node: 'db', life: 1, cause: 'operator' });
  story.commitMembership(membershipOf(['id-s1']));
  expect(story.news()).toEqual([]);
});
