import { expect, test } from 'vitest';
import { Sessions } from '../../server/sessions.ts';

const hourMs = 60 * 60 * 1000;

function outcomeAt(index: number) {
  return { index, offset: 0, refused: null, revision: 0, repairs: 0 };
}

function keep(sessions: Sessions, key: string, timeMs: number): void {
  sessions.keep({ once: { client: 'deploy', key }, timeMs, outcome: outcomeAt(timeMs) });
}

test('a result is found under its client and key for 24 hours of command time', () => {
  const sessions = new Sessions();
  keep(sessions, 'a', 0);
  expect(sessions.find({ client: 'deploy', key: 'a' }, 24 * hourMs)?.index).toBe(0);
  expect(sessions.find({ client: 'deploy', key: 'a' }, 24 * hourMs + 1)).toBeUndefined();
  expect(sessions.find({ client: 'other', key: 'a' }, 0)).toBeUndefined();
});

test('what is too old is forgotten by the next write', () => {
  const sessions = new Sessions();
  for (const hour of [0, 1, 20]) keep(sessions, `key-${hour}`, hour * hourMs);
  keep(sessions, 'now', 25.5 * hourMs);
  expect(sessions.all().map((kept) => kept.once.key)).toEqual(['key-20', 'now']);
});

test('beyond the limit the oldest go first', () => {
  const sessions = new Sessions({ keptMs: 24 * hourMs, keptMax: 2 });
  for (const key of ['a', 'b', 'c']) keep(sessions, key, 1);
  expect(sessions.all().map((kept) => kept.once.key)).toEqual(['b', 'c']);
});
