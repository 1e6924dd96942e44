import { expect, test } from 'vitest';
import { HistoryIndex } from '../../server/history-index.ts';
import { logOf } from './history-log.ts';
import { checkOf, put, Story, turned } from './story.ts';

/** A node whose check flaps; its events are 1 (joined), 2 (added) and one for each flap. */
function flapping(flaps: number): Story {
  const story = new Story();
  story.alive('web-1');
  story.journal('web-1', [put(1, checkOf('http'))]);
  flap(story, 2, flaps);
  return story;
}

function flap(story: Story, from: number, count: number): void {
  for (let revision = from; revision < from + count; revision++) {
    story.journal('web-1', [turned(revision, 'http', revision % 2 === 0 ? 'critical' : 'passing')]);
  }
}

test('what was read once is not read again', async () => {
  const story = flapping(20);
  const log = logOf(story);
  const index = new HistoryIndex(log);
  await Promise.all([index.catchUp(), index.catchUp()]);
  expect(log.pagesRead).toBe(11);
  expect(index.timeline('web-1', 'http')!.offsets).toHaveLength(21);
  flap(story, 22, 2);
  await index.catchUp();
  expect(log.pagesRead).toBe(12);
  expect(index.timeline('web-1', 'http')!.offsets.at(-1)).toBe(24);
});

test('what retention takes goes, and the status before the first change stays known', async () => {
  const story = flapping(6);
  const log = logOf(story);
  const index = new HistoryIndex(log);
  await index.catchUp();
  log.first = 6;
  await index.catchUp();
  expect(index.timeline('web-1', 'http')).toMatchObject({ before: 'critical', offsets: [6, 7, 8] });
  expect(index.timeline('web-1', '')).toMatchObject({ before: 'alive', offsets: [] });
});

test('retention that overtakes the reading is no failure', async () => {
  const log = logOf(flapping(6));
  const { read } = log;
  log.read = async (after, limits) => {
    if (after === 2) log.first = 6;
    return read.call(log, after, limits);
  };
  const index = new HistoryIndex(log);
  await index.catchUp();
  expect(index.timeline('web-1', 'http')!.offsets).toEqual([2, 6, 7, 8]);
});

test('another log, or a hole that was filled, begins it anew', async () => {
  const log = logOf(flapping(6), 5);
  const index = new HistoryIndex(log);
  await index.catchUp();
  expect(index.timeline('web-1', 'http')!.offsets).toEqual([5, 6, 7, 8]);
  log.first = 1;
  await index.catchUp();
  expect(index.timeline('web-1', 'http')!.offsets).toHaveLength(7);
  const other = logOf(flapping(1));
  Object.assign(log, { logId: 'log-2', read: other.read });
  Object.defineProperty(log, 'last', { value: 3 });
  await index.catchUp();
  expect(index.timeline('web-1', 'http')!.offsets).toEqual([2, 3]);
});

test('it holds so many changes and no more; the oldest go', async () => {
  const index = new HistoryIndex(logOf(flapping(100)), 50);
  await index.catchUp();
  const { offsets } = index.timeline('web-1', 'http')!;
  expect(offsets.length).toBeLessThanOrEqual(50);
  expect(offsets.length).toBeGreaterThan(40);
  expect(offsets.at(-1)).toBe(102);
  expect(index.first).toBe(offsets[0]);
});
