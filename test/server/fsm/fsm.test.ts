import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import type { CommandBody } from '../../../proto/schema/command.ts';
import { healthEvent } from '../../../proto/schema/event.ts';
import { encodeState, StateBuilder, viewState } from '../../../server/fsm/snapshot.ts';
import { checkOf, put, Story, serviceOf, startMs, turned } from '../story.ts';

const register: CommandBody = {
  kind: 'catalog.register',
  v: 1,
  node: {
    name: 'db',
    id: '',
    address: '10.1.0.1',
    datacenter: 'dc1',
    taggedAddresses: null,
    meta: null,
    skipUpdate: false,
  },
  service: null,
  checks: [],
};

test('events are dense, complete by their schema, and no time lies before the one before', () => {
  const story = new Story();
  story.alive('web-1');
  story.timeMs -= 60_000;
  story.journal('web-1', [put(1, checkOf('http')), turned(2, 'http', 'critical')]);
  story.timeMs += 120_000;
  story.failed('web-1');
  expect(story.events.map((event) => event.Offset)).toEqual([1, 2, 3, 4]);
  const times = story.events.map((event) => Date.parse(event.Time) - startMs);
  expect(times).toEqual([1000, 1000, 1000, 63_000]);
  for (const event of story.events) healthEvent.parse(event);
});

test('a write that is retried has one effect and gets the first answer', () => {
  const story = new Story();
  const once = { client: 'deploy', key: '42' };
  const first = story.commit(register, once);
  story.commit({ kind: 'catalog.deregister', v: 1, node: 'db', serviceId: '', checkId: '' });
  expect(story.commit(register, once)).toEqual(first);
  expect(story.fsm.state.catalog.names()).toEqual([]);
  story.timeMs += 25 * 60 * 60 * 1000;
  expect(story.commit(register, once).index).toBe(4);
});

test('a command of a newer server stops this one with advice and changes nothing', () => {
  const story = new Story();
  const newer = { timeMs: startMs, once: null, body: { kind: 'node.alive', v: 2 } };
  expect(() => story.commitRaw(newer)).toThrow(/"node.alive" in version 2.*Update this server/);
  expect(() => story.commitRaw({ ...newer, body: { kind: 'quota', v: 1 } })).toThrow(/"quota"/);
  expect(story.fsm.state.index).toBe(0);
});

test('a term has one leader.elected', () => {
  const story = new Story();
  const elected = (term: number): CommandBody => ({
    kind: 'leader.elected',
    v: 1,
    node: 's1',
    nodeId: 'id-s1',
    term,
  });
  for (const term of [3, 3, 2, 4]) story.commit(elected(term));
  expect(story.events.map((event) => event.Evidence)).toEqual([
    { NodeId: 'id-s1', Term: 3 },
    { NodeId: 'id-s1', Term: 4 },
  ]);
});

test('a trim only goes forward and never beyond the last event', () => {
  const story = new Story();
  for (const node of ['a', 'b', 'c']) story.alive(node);
  const trim = (firstKept: number) => story.commit({ kind: 'events.trim', v: 1, firstKept });
  trim(2);
  expect(story.fsm.state.events).toMatchObject({ first: 2, last: 3 });
  trim(1);
  expect(story.fsm.state.events.first).toBe(2);
  trim(99);
  expect(story.fsm.state.events).toMatchObject({ first: 4, last: 3 });
});

test('a cursor goes forward, knows its share, and cannot confirm what does not exist', () => {
  const story = new Story();
  story.alive('web-1');
  const confirm = (offset: number, share = '') =>
    story.commit({ kind: 'cursor.put', v: 1, name: 'pager', share, offset });
  confirm(1);
  confirm(0);
  expect(confirm(2).refused?.code).toBe('OFFSET_FUTURE');
  confirm(0, '1/2');
  expect(story.fsm.state.cursors.all().map((cursor) => [cursor.share, cursor.offset])).toEqual([
    ['', 1],
    ['1/2', 0],
  ]);
  story.commit({ kind: 'cursor.remove', v: 1, name: 'pager' });
  expect(story.fsm.state.cursors.size).toBe(0);
});

test('a state that went through a snapshot goes on like one that did not', () => {
  const story = new Story();
  tell(story);
  const restored = new Story();
  const builder = new StateBuilder();
  for (const piece of encodeState(viewState(story.fsm.state))) builder.addPiece(piece);
  restored.fsm.replace(builder.finish());
  restored.timeMs = story.timeMs;
  expect(viewState(restored.fsm.state)).toEqual(viewState(story.fsm.state));
  const before = story.events.length;
  tell(story);
  tell(restored);
  expect(restored.events).toEqual(story.events.slice(before));
  expect(viewState(restored.fsm.state)).toEqual(viewState(story.fsm.state));
});

test('a view stays as it was while commands go on', () => {
  const story = new Story();
  tell(story);
  const view = viewState(story.fsm.state);
  const before = encode(view.records);
  tell(story);
  expect(encode(view.records)).toEqual(before);
});

/** A bit of everything, from wherever the story stands. */
function tell(story: Story): void {
  const { life = 0, revision = 0 } = story.fsm.state.catalog.node('web-1') ?? {};
  const base = revision;
  story.alive('s1');
  story.journal('web-1', [
    { kind: 'service.put', revision: base + 1, observedAtMs: startMs, service: serviceOf('shop') },
    put(base + 2, checkOf('http', { serviceId: 'shop' })),
    turned(base + 3, 'http', base % 2 === 0 ? 'critical' : 'warning'),
  ]);
  story.commit(register, { client: 'deploy', key: `${base}` });
  story.failed('web-1', Math.max(1, life));
  story.alive('web-1');
  story.commit({ kind: 'leader.elected', v: 1, node: 's1', nodeId: 'id-s1', term: base + 1 });
  story.commit({ kind: 'cursor.put', v: 1, name: 'pager', share: '', offset: 1 });
  story.commit({ kind: 'catalog.deregister', v: 1, node: 'db', serviceId: '', checkId: '' });
}
