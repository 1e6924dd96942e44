import { expect, test } from 'vitest';
import { commandLevel } from '../../../proto/version.ts';
import { levelOf } from '../../../server/fsm/level.ts';
import { encodeState, StateBuilder, viewState } from '../../../server/fsm/snapshot.ts';
import { Story } from '../story.ts';

test('the level never falls, and is part of a snapshot', () => {
  const story = new Story();
  expect([story.fsm.state.level, levelOf('journal'), levelOf('restore.begin')]).toEqual([1, 1, 2]);
  for (const level of [commandLevel, 1]) story.commit({ kind: 'level.raise', v: 1, level });
  expect(story.fsm.state.level).toBe(commandLevel);
  const builder = new StateBuilder();
  for (const piece of encodeState(viewState(story.fsm.state))) builder.addPiece(piece);
  expect(builder.finish().level).toBe(commandLevel);
});

test('what belongs to a cluster of a newer level stops this server with advice', () => {
  const story = new Story();
  const newer = { kind: 'level.raise', v: 1, level: commandLevel + 1 } as const;
  expect(() => story.commit(newer)).toThrow(
    /entry 1 of the log .* a newer server wrote it. Update this server/,
  );
  const view = viewState({ ...story.fsm.state, level: commandLevel + 1 });
  const [piece] = encodeState(view);
  expect(() => new StateBuilder().addPiece(piece!)).toThrow(/the snapshot belongs to .* nothing is lost/);
});
