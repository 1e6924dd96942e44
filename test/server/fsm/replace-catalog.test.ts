import { expect, test } from 'vitest';
import type { CommandBody } from '../../../proto/schema/command.ts';
import { Change } from '../../../server/fsm/change.ts';
import { replaceCatalog } from '../../../server/fsm/replace-catalog.ts';
import { encodeState, StateBuilder, viewState } from '../../../server/fsm/snapshot.ts';
import type { State } from '../../../server/fsm/state.ts';
import { checkOf, membershipOf, put, Story, turned } from '../story.ts';

function copyOf({ fsm }: Story): State {
  const builder = new StateBuilder();
  for (const piece of encodeState(viewState(fsm.state))) builder.addPiece(piece);
  return builder.finish();
}

function replace({ fsm }: Story, taken: State): Change {
  const change = new Change(fsm.state, fsm.state.index + 1, fsm.state.events.timeMs);
  replaceCatalog(change, taken);
  return change;
}

function external(name: string, address = '10.0.0.9'): CommandBody {
  const node = {
    name,
    id: '',
    address,
    datacenter: 'dc1',
    taggedAddresses: null,
    meta: null,
    skipUpdate: false,
  };
  return { kind: 'catalog.register', v: 1, node, service: null, checks: [] };
}

function cursor(name: string, offset: number): CommandBody {
  return { kind: 'cursor.put', v: 1, name, share: '', offset };
}

const elsewhere = (story: Story): State => {
  const taken = copyOf(story);
  taken.events.logId = 'log-of-another-cluster';
  return taken;
};

test('external nodes become what they were; agents that are known stay, with the place of their journals', () => {
  const story = new Story();
  story.commit(external('db-1'));
  story.journal('web-1', [put(1, checkOf('http'))]);
  const taken = copyOf(story);
  story.commit(external('db-1', '10.9.9.9'));
  story.commit(external('db-2'));
  story.journal('web-1', [turned(2, 'http', 'critical')]);
  replace(story, taken);
  const { catalog } = story.fsm.state;
  expect(catalog.names()).toEqual(['db-1', 'web-1']);
  expect(catalog.node('db-1')).toMatchObject({ address: '10.0.0.9' });
  expect([catalog.node('web-1')?.revision, catalog.check('web-1', 'http')?.status]).toEqual([2, 'critical']);
  story.events.length = 0;
  story.journal('web-1', [turned(2, 'http', 'critical'), turned(3, 'http', 'passing')]);
  expect(story.news()).toEqual(['check.changed critical>passing']);
});

test('an agent that this cluster never saw comes as it was, and its journal goes on wherever it says', () => {
  const origin = new Story();
  origin.journal('web-1', [put(1, checkOf('http')), turned(2, 'http', 'critical')]);
  const story = new Story();
  replace(story, elsewhere(origin));
  expect(story.fsm.state.catalog.node('web-1')).toMatchObject({ state: 'alive', journalId: '', revision: 0 });
  story.journal('web-1', [turned(8, 'http', 'passing')]);
  expect(story.news()).toEqual(['check.changed critical>passing']);
});

test('every row counts as changed, so that nobody who waits for news misses it', () => {
  const story = new Story();
  story.commit(external('db-1'));
  story.journal('web-1', [put(1, checkOf('http'))]);
  const taken = copyOf(story);
  const { index } = replace(story, taken);
  const { catalog } = story.fsm.state;
  expect(catalog.nodes().map(({ modifyIndex }) => modifyIndex)).toEqual([index, index]);
  expect(catalog.indexes.table).toMatchObject({ nodes: index, services: index, checks: index });
  expect([catalog.indexes.node('gone'), catalog.indexes.service('gone')]).toEqual([index, index]);
});

test('offsets go on behind a gap: of one number, or of those that this very log had given before it was set back', () => {
  const story = new Story();
  for (const node of ['a', 'b', 'c']) story.alive(node);
  const { gap } = replace(story, elsewhere(story));
  expect(gap).toMatchObject({ from: 4, to: 4 });
  expect(story.fsm.state.events).toMatchObject({ logId: 'log-1', last: 4, gaps: [gap] });
  const ahead = copyOf(story);
  ahead.events.last = 90;
  replace(story, ahead);
  expect(story.fsm.state.events).toMatchObject({ last: 90, gaps: [gap, { from: 5, to: 90 }] });
  story.alive('d');
  expect(story.events.at(-1)?.Offset).toBe(91);
});

test('a cursor never goes back; one that only the snapshot knows begins before the gap', () => {
  const story = new Story();
  for (const node of ['a', 'b', 'c']) story.alive(node);
  story.commit(cursor('both', 1));
  story.commit(cursor('gone', 2));
  const taken = copyOf(story);
  story.commit(cursor('both', 3));
  story.commit({ kind: 'cursor.remove', v: 1, name: 'gone' });
  const foreign = { ...copyOf(story), cursors: taken.cursors, events: { ...taken.events, logId: 'other' } };
  replace(story, taken);
  const offsets = () =>
    Object.fromEntries(story.fsm.state.cursors.all().map(({ name, offset }) => [name, offset]));
  expect(offsets()).toEqual({ both: 3, gone: 2 });
  story.commit({ kind: 'cursor.remove', v: 1, name: 'gone' });
  replace(story, foreign);
  expect(offsets()).toEqual({ both: 3, gone: 4 });
});

test('answers to keys count whether they were given before the snapshot or after it', () => {
  const story = new Story();
  const once = (key: string) => ({ client: 'http', key });
  const first = story.commit(external('db-1'), once('before'));
  const taken = copyOf(story);
  const second = story.commit(external('db-2'), once('after'));
  replace(story, taken);
  expect(story.commit(external('db-9'), once('before'))).toEqual(first);
  expect(story.commit(external('db-9'), once('after'))).toEqual(second);
  expect(story.fsm.state.catalog.names()).toEqual(['db-1']);
});

test('who is a server is said by this cluster, not by the snapshot', () => {
  const origin = new Story();
  origin.alive('s9', 'id-s9');
  origin.commitMembership(membershipOf(['id-s9']));
  const story = new Story();
  story.alive('s1', 'id-s1');
  replace(story, elsewhere(origin));
  const { catalog, servers } = story.fsm.state;
  expect([...servers.keys()]).toEqual(['id-s1']);
  expect(catalog.hostsOf('consul')).toEqual(['s1']);
  expect(catalog.names()).toEqual(['s1', 's9']);
});
