import { expect, test } from 'vitest';
import { checkOf, identityOf, membershipOf, put, Story } from '../story.ts';

test('a node fails, comes back under its next life, and the old verdict changes nothing', () => {
  const story = new Story();
  story.alive('web-1');
  story.failed('web-1');
  story.failed('web-1');
  expect(story.fsm.state.catalog.check('web-1', 'serfHealth')?.status).toBe('critical');
  story.alive('web-1');
  story.failed('web-1', 1);
  expect(story.events.map((event) => event.Life)).toEqual([1, 1, 2]);
  expect(story.news()).toEqual([
    'node.joined >alive',
    'node.failed alive>failed',
    'node.recovered failed>alive',
  ]);
  expect(story.fsm.state.catalog.node('web-1')).toMatchObject({ state: 'alive', life: 2 });
  expect(story.fsm.state.catalog.check('web-1', 'serfHealth')?.status).toBe('passing');
});

test('a node that leaves takes its checks along, as one event, and remembers its journal', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http')), put(2, checkOf('disk'))]);
  story.news();
  story.commit({ kind: 'node.left', v: 1, node: 'web-1', life: 1, cause: 'leave' });
  expect(story.news()).toEqual(['node.left alive>left']);
  expect(story.fsm.state.catalog.checksOf('web-1')).toEqual([]);
  story.alive('web-1');
  expect(story.news()).toEqual(['node.joined left>alive']);
  expect(story.journal('web-1', [put(2, checkOf('disk')), put(3, checkOf('disk'))]).revision).toBe(3);
  expect(story.news()).toEqual(['check.added >passing']);
});

test('a server that says goodbye keeps its rows: it stays a voter', () => {
  const story = new Story();
  story.alive('s1');
  story.journal('s1', [put(1, checkOf('disk'))]);
  story.commit({ kind: 'node.left', v: 1, node: 's1', life: 1, cause: 'leave' });
  const { catalog } = story.fsm.state;
  expect(catalog.checksOf('s1').map((check) => [check.id, check.status])).toEqual([
    ['disk', 'passing'],
    ['serfHealth', 'critical'],
  ]);
  expect(catalog.servicesOf('s1').map((service) => service.id)).toEqual(['consul']);
});

test('evidence that comes late refers to the verdict', () => {
  const story = new Story();
  story.alive('web-1');
  story.failed('web-1');
  story.commit({ kind: 'node.evidence', v: 1, node: 'web-1', life: 1, evidence: { tcp: 'refused' } });
  story.commit({ kind: 'node.evidence', v: 1, node: 'web-1', life: 9, evidence: { tcp: 'refused' } });
  expect(story.events.slice(1)).toMatchObject([
    { Kind: 'node.failed', Offset: 2, Evidence: { accuser: 'web-2' }, Cause: 'probe' },
    { Kind: 'node.evidence', Ref: 2, Evidence: { tcp: 'refused' } },
  ]);
  expect(story.events).toHaveLength(3);
});

test('a failed node is reaped with everything; a living one and a server are not', () => {
  const story = new Story();
  for (const node of ['web-1', 's1']) {
    story.alive(node);
    story.commit({ kind: 'node.reap', v: 1, node, life: 1 });
    story.failed(node);
    story.commit({ kind: 'node.reap', v: 1, node, life: 1 });
  }
  expect(story.fsm.state.catalog.names()).toEqual(['s1']);
  expect(story.events.filter((event) => event.Kind === 'node.reaped')).toMatchObject([
    { Node: 'web-1', From: 'failed', To: '', Cause: 'reap' },
  ]);
});

test('a name is held by a living node id and passes on when its holder failed', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  expect(story.alive('web-1', 'another').refused?.code).toBe('NAME_TAKEN');
  expect(story.alive('web-1').refused).toBeNull();
  story.failed('web-1');
  story.news();
  expect(story.alive('web-1', 'another').refused).toBeNull();
  expect(story.news()).toEqual(['node.recovered failed>alive']);
  const { catalog } = story.fsm.state;
  expect(catalog.node('web-1')).toMatchObject({ id: 'another', life: 2, journalId: '', revision: 0 });
  expect(catalog.check('web-1', 'http')).toBeUndefined();
  expect(catalog.nodeById('id-web-1')).toBeUndefined();
});

test('a node that returns under another name brings its journal, and the old name goes', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  expect(story.alive('shop', 'id-web-1').refused?.code).toBe('NAME_TAKEN');
  story.failed('web-1');
  story.news();
  story.alive('shop', 'id-web-1');
  expect(story.news()).toEqual(['node.reaped failed>', 'node.joined >alive']);
  expect(story.fsm.state.catalog.node('shop')).toMatchObject({ journalId: 'journal-web-1', revision: 1 });
});

test('an address that changed is no event', () => {
  const story = new Story();
  story.alive('web-1');
  story.news();
  const identity = { ...identityOf('web-1'), address: '10.0.0.9' };
  story.commit({ kind: 'node.alive', v: 1, identity, incarnation: 4 });
  expect(story.news()).toEqual([]);
  expect(story.fsm.state.catalog.node('web-1')).toMatchObject({
    address: '10.0.0.9',
    incarnation: 4,
    life: 1,
  });
});

test('membership entries say who joins and leaves the servers, by the name of the node', () => {
  const story = new Story();
  story.alive('s2');
  story.commitMembership(membershipOf(['id-s1'], ['id-s2']));
  story.commitMembership(membershipOf(['id-s1', 'id-s2']));
  expect(story.fsm.state.catalog.service('s2', 'consul')).toMatchObject({ port: 8300, meta: {} });
  story.commitMembership(membershipOf(['id-s1']));
  expect(story.events.slice(1).map((event) => [event.Kind, event.Node])).toEqual([
    ['server.added', 's2'],
    ['server.removed', 's2'],
  ]);
  expect(story.fsm.state.catalog.service('s2', 'consul')).toBeUndefined();
});
