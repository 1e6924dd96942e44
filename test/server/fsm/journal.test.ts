import { expect, test } from 'vitest';
import { checkOf, put, Story, serviceOf, startMs, turned } from '../story.ts';

test('each record is applied once, however often and in whatever slices it is delivered', () => {
  const story = new Story();
  const records = [put(1, checkOf('http')), turned(2, 'http', 'critical'), turned(3, 'http', 'passing')];
  expect(story.journal('web-1', records.slice(0, 2)).revision).toBe(2);
  expect(story.journal('web-1', records).revision).toBe(3);
  expect(story.journal('web-1', records).revision).toBe(3);
  expect(story.news()).toEqual([
    'node.joined >alive',
    'check.added >passing',
    'check.changed passing>critical',
    'check.changed critical>passing',
  ]);
});

test('a flap between two deliveries is told with the times of the agent', () => {
  const story = new Story();
  story.journal('web-1', [
    put(1, checkOf('http')),
    turned(2, 'http', 'critical'),
    turned(3, 'http', 'passing'),
  ]);
  const changes = story.events.filter((event) => event.Kind === 'check.changed');
  expect(changes.map((event) => Date.parse(event.ObservedAt) - startMs)).toEqual([2, 3]);
  expect(changes.map((event) => event.Revision)).toEqual([2, 3]);
  expect(changes[0]).toMatchObject({
    Node: 'web-1',
    Check: 'http',
    Output: 'run 2',
    Cause: 'check',
    Life: 1,
  });
  expect(story.fsm.state.catalog.check('web-1', 'http')?.output).toBe('run 3');
});

test('a hole in the journal is not jumped over', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  story.news();
  expect(story.journal('web-1', [turned(3, 'http', 'critical')]).revision).toBe(1);
  expect(story.news()).toEqual([]);
});

test('a new journal of the same node starts at 1; an old one on a new catalog goes on where it stands', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http')), turned(2, 'http', 'critical')]);
  story.news();
  expect(story.journal('web-1', [turned(7, 'http', 'passing')], 'second').revision).toBe(0);
  expect(story.journal('web-1', [turned(1, 'http', 'passing')], 'second').revision).toBe(1);
  expect(story.news()).toEqual(['check.changed critical>passing']);

  const fresh = new Story();
  expect(fresh.journal('web-1', [turned(58, 'http', 'critical')]).revision).toBe(58);
  expect(fresh.journal('web-1', [turned(58, 'http', 'critical')]).revision).toBe(58);
  expect(fresh.news()).toEqual(['node.joined >alive', 'check.added >critical']);
});

test('writing the same again moves no index and makes no event', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  const before = story.fsm.state.catalog.check('web-1', 'http');
  story.news();
  story.journal('web-1', [put(2, checkOf('http', { output: 'another output, same status' }))]);
  expect(story.fsm.state.catalog.check('web-1', 'http')).toBe(before);
  expect(story.news()).toEqual([]);
});

test('a check of a service carries its name and tags, also when they change', () => {
  const story = new Story();
  story.journal('web-1', [
    { kind: 'service.put', revision: 1, observedAtMs: startMs, service: serviceOf('shop', { tags: ['v1'] }) },
    put(2, checkOf('shop-http', { serviceId: 'shop' })),
  ]);
  expect(story.news()).toEqual(['node.joined >alive', 'service.registered >', 'check.added >passing']);
  story.journal('web-1', [
    { kind: 'service.put', revision: 3, observedAtMs: startMs, service: serviceOf('shop', { tags: ['v2'] }) },
  ]);
  const check = story.fsm.state.catalog.check('web-1', 'shop-http');
  expect(check).toMatchObject({ serviceName: 'shop', serviceTags: ['v2'], modifyIndex: 2 });
  story.journal('web-1', [{ kind: 'service.remove', revision: 4, observedAtMs: startMs, service: 'shop' }]);
  expect(story.fsm.state.catalog.check('web-1', 'shop-http')).toBeUndefined();
  expect(story.news()).toEqual(['service.deregistered >']);
});

test('maintenance is told as maintenance, with its reason', () => {
  const story = new Story();
  const row = checkOf('_service_maintenance:shop', {
    status: 'critical',
    notes: 'new disks',
    serviceId: 'shop',
    type: 'maintenance',
  });
  story.journal('web-1', [put(1, checkOf('_node_maintenance', { status: 'critical' })), put(2, row)]);
  expect(story.events.at(-1)).toMatchObject({ Service: 'shop', Output: 'new disks', Cause: 'maintenance' });
  story.journal('web-1', [
    { kind: 'check.remove', revision: 3, observedAtMs: startMs, check: '_service_maintenance:shop' },
  ]);
  expect(story.news()).toEqual([
    'node.joined >alive',
    'maintenance.started >maintenance',
    'maintenance.started >maintenance',
    'maintenance.ended maintenance>',
  ]);
});

test('an agent cannot write what belongs to the leader', () => {
  const story = new Story();
  story.alive('web-1');
  story.news();
  story.journal('web-1', [
    turned(1, 'serfHealth', 'critical'),
    { kind: 'check.remove', revision: 2, observedAtMs: startMs, check: 'serfHealth' },
    put(3, checkOf('serfHealth', { status: 'critical' })),
    { kind: 'service.put', revision: 4, observedAtMs: startMs, service: serviceOf('consul') },
  ]);
  expect(story.news()).toEqual([]);
  expect(story.fsm.state.catalog.check('web-1', 'serfHealth')?.status).toBe('passing');
  expect(story.fsm.state.catalog.servicesOf('web-1')).toEqual([]);
});

test('a transition of a check whose row is gone is told all the same', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http'))]);
  story.commit({ kind: 'catalog.deregister', v: 1, node: 'web-1', serviceId: '', checkId: 'http' });
  story.news();
  story.journal('web-1', [turned(2, 'http', 'critical')]);
  expect(story.news()).toEqual(['check.added >critical']);

  story.commit({ kind: 'node.left', v: 1, node: 'web-1', life: 1, cause: 'leave' });
  story.journal('web-1', [turned(3, 'http', 'passing'), put(4, checkOf('late'))]);
  expect(story.news()).toEqual(['node.left alive>left', 'check.changed >passing']);
  expect(story.fsm.state.catalog.checksOf('web-1')).toEqual([]);
});

test('what the journal had to drop, and what it only noticed, stands in the log', () => {
  const story = new Story();
  story.journal('web-1', [
    { kind: 'lost', revision: 1, observedAtMs: startMs, count: 12, sinceMs: startMs - 5000 },
    {
      kind: 'notice',
      revision: 2,
      observedAtMs: startMs,
      event: 'security.rejected',
      output: '40 packets',
      evidence: { top: ['10.9.9.9'] },
    },
  ]);
  expect(story.events.slice(1)).toMatchObject([
    { Kind: 'journal.lost', Evidence: { Count: 12, Since: '2026-11-22T03:11:55.000Z' }, Cause: 'overflow' },
    { Kind: 'security.rejected', Output: '40 packets', Cause: 'security', Revision: 2 },
  ]);
});

test.each([
  ['right behind what the catalog holds', 3, 1],
  ['partly applied already', 5, 1],
  ['applied as a whole', 10, 0],
  ['with a hole before it', 2, 0],
])('a range of dropped records, %s', (_, held, times) => {
  const story = new Story();
  const before = Array.from({ length: held }, (__, index) => turned(index + 1, 'http', 'passing'));
  story.journal('web-1', before);
  const gap = { kind: 'lost', revision: 10, observedAtMs: startMs, count: 7, sinceMs: startMs } as const;
  story.journal('web-1', [gap]);
  story.journal('web-1', [gap]);
  expect(story.events.filter((event) => event.Kind === 'journal.lost')).toHaveLength(times);
  expect(story.fsm.state.catalog.node('web-1')?.revision).toBe(times === 1 ? 10 : held);
});
