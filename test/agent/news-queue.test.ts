import { expect, test } from 'vitest';
import { NewsQueue } from '../../agent/news-queue.ts';

function queue(waitingMax = 100) {
  return new NewsQueue<string>({ burst: 5, intervalMs: 1_000, waitingMax });
}

/** Everything that comes out from `nowMs` on, with its time. */
function drain(news: NewsQueue<string>, nowMs: number): [atMs: number, item: string, omitted: number][] {
  const seen: [number, string, number][] = [];
  for (let atMs = nowMs; ; ) {
    const dueInMs = news.dueInMs(atMs);
    if (dueInMs === null) return seen;
    atMs += dueInMs;
    const taken = news.take(atMs)!;
    seen.push([atMs, taken.item, taken.omitted]);
  }
}

test('five at once after a silence, then one a second', () => {
  const news = queue();
  for (const id of 'abcdefgh') news.put(id, id);
  expect(drain(news, 10_000).map(([atMs, item]) => `${item}@${atMs}`)).toEqual([
    'a@10000',
    'b@10000',
    'c@10000',
    'd@10000',
    'e@10000',
    'f@11000',
    'g@12000',
    'h@13000',
  ]);
});

test('a silence of five seconds gives the whole burst back, a shorter one a part of it', () => {
  const news = queue();
  for (const id of 'abcdefg') news.put(id, id);
  expect(drain(news, 0).at(-1)).toEqual([2_000, 'g', 0]);
  for (const id of 'hijkl') news.put(id, id);
  expect(drain(news, 4_000).map(([atMs]) => atMs)).toEqual([4_000, 4_000, 5_000, 6_000, 7_000]);
  for (const id of 'mnopq') news.put(id, id);
  expect(drain(news, 60_000).map(([atMs]) => atMs)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000]);
});

test('nothing comes out too early, and asking costs nothing', () => {
  const news = queue();
  for (const id of 'abcdef') news.put(id, id);
  for (let i = 0; i < 5; i++) news.take(0);
  expect(news.take(999)).toBeUndefined();
  expect(news.take(1_000)).toEqual({ item: 'f', omitted: 0 });
  expect(news.dueInMs(1_000)).toBeNull();
});

test('a flapping check keeps its place with its newest word, and the words left out are counted once', () => {
  const news = queue();
  for (const id of 'abcde') news.put(id, id);
  drain(news, 0);
  news.put('web', 'critical');
  news.put('disk', 'warning');
  news.put('web', 'passing');
  news.put('web', 'critical again');
  expect(drain(news, 0)).toEqual([
    [1_000, 'critical again', 2],
    [2_000, 'warning', 0],
  ]);
});

test('the queue is bounded: the oldest word goes', () => {
  const news = queue(3);
  for (const id of 'abcde') news.put(id, id);
  expect(news.length).toBe(3);
  expect(drain(news, 0)).toEqual([
    [0, 'c', 2],
    [0, 'd', 0],
    [0, 'e', 0],
  ]);
});
