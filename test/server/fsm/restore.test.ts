import { expect, test } from 'vitest';
import type { CommandBody } from '../../../proto/schema/command.ts';
import { restoreIdleMs } from '../../../server/fsm/restore.ts';
import { encodeState, StateBuilder, viewState } from '../../../server/fsm/snapshot.ts';
import { checkOf, put, Story } from '../story.ts';

/** The pieces of a snapshot: as many as there are nodes, and one more. */
function piecesOf(story: Story): Uint8Array[] {
  const view = viewState(story.fsm.state);
  return view.records.flatMap((record) => [...encodeState({ ...view, records: [record] })]);
}

function begin(id: string): CommandBody {
  return { kind: 'restore.begin', v: 1, id };
}

function piece(id: string, number: number, records: Uint8Array): CommandBody {
  return { kind: 'restore.piece', v: 1, id, number, records };
}

function finish(id: string, pieces: number): CommandBody {
  return { kind: 'restore.finish', v: 1, id, pieces };
}

function external(node: string): CommandBody {
  return {
    kind: 'catalog.register',
    v: 1,
    node: {
      name: node,
      id: '',
      address: '10.0.0.9',
      datacenter: 'dc1',
      taggedAddresses: null,
      meta: null,
      skipUpdate: false,
    },
    service: null,
    checks: [],
  };
}

function names(story: Story): readonly string[] {
  return story.fsm.state.catalog.names();
}

test('nothing changes before the last step, and then everything at once; each step may come twice', () => {
  const story = new Story();
  story.commit(external('db-1'));
  const pieces = piecesOf(story);
  story.commit({ kind: 'catalog.deregister', v: 1, node: 'db-1', serviceId: '', checkId: '' });
  story.commit(external('db-2'));
  story.commit(begin('r'));
  for (const [at, records] of pieces.entries()) {
    story.commit(begin('r'));
    story.commit(piece('r', at + 1, records));
    expect(story.commit(piece('r', at + 1, records)).refused).toBeNull();
    expect(names(story)).toEqual(['db-2']);
  }
  const { last } = story.fsm.state.events;
  expect(story.commit(finish('r', pieces.length)).refused).toBeNull();
  expect(names(story)).toEqual(['db-1']);
  const after = viewState(story.fsm.state);
  expect(story.fsm.state.events.last).toBe(last + 1);
  for (const again of [finish('r', pieces.length), begin('r'), piece('r', 1, pieces[0]!)]) {
    expect(story.commit(again).refused).toBeNull();
  }
  expect(viewState(story.fsm.state).records.slice(1)).toEqual(after.records.slice(1));
});

test('a piece that is missing, a restore that is not the newest, and an end that comes early are refused', () => {
  const story = new Story();
  const pieces = piecesOf(story);
  story.commit(begin('one'));
  story.commit(piece('one', 1, pieces[0]!));
  expect(story.commit(piece('one', 3, pieces[0]!)).refused?.message).toContain('piece 2');
  expect(story.commit(finish('one', 2)).refused?.message).toContain('1 of 2 pieces');
  story.commit(begin('two'));
  expect(story.commit(piece('one', 2, pieces[0]!)).refused?.code).toBe('NOT_FOUND');
  expect(story.commit(finish('one', 1)).refused?.code).toBe('NOT_FOUND');
  expect(story.commit(finish('two', 0)).refused?.code).toBe('BAD_REQUEST');
  expect(story.fsm.state.restored).toBe('');
});

test('a snapshot that is taken in the middle holds what has come, and the restore goes on from it', () => {
  const story = new Story();
  story.commit(external('db-1'));
  const pieces = piecesOf(story);
  story.commit(begin('r'));
  for (const [at, records] of pieces.slice(0, -1).entries()) story.commit(piece('r', at + 1, records));
  const other = new Story();
  const builder = new StateBuilder();
  for (const part of encodeState(viewState(story.fsm.state))) builder.addPiece(part);
  other.fsm.replace(builder.finish());
  other.timeMs = story.timeMs;
  for (const one of [story, other]) {
    one.commit(piece('r', pieces.length, pieces.at(-1)!));
    one.commit(finish('r', pieces.length));
  }
  expect(viewState(other.fsm.state)).toEqual(viewState(story.fsm.state));
  expect(other.fsm.state.restored).toBe('r');
});

test('what nobody goes on with is forgotten', () => {
  const story = new Story();
  story.commit(begin('r'));
  story.timeMs += restoreIdleMs;
  story.journal('web-1', [put(1, checkOf('http'))]);
  expect(story.fsm.state.restoring).toBeNull();
});
