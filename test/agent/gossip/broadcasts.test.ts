import { expect, test } from 'vitest';
import { BroadcastQueue, Broadcasts } from '../../../agent/gossip/broadcasts.ts';

const bytes = (text: string) => Buffer.from(text);

function make(options: { members?: number; entriesMax?: number } = {}) {
  let news = 0;
  const queue = new BroadcastQueue({
    multiplier: 4,
    members: () => options.members ?? 9,
    entriesMax: options.entriesMax ?? 100,
    onNews: () => {
      news += 1;
    },
  });
  const take = (room: number, parts = 127) => {
    const into: Uint8Array[] = [];
    const used = queue.take(room, parts, into);
    return { texts: into.map((part) => Buffer.from(part).toString()), used };
  };
  return { queue, take, news: () => news };
}

test('a piece of news is put into four packets among nine members, and then let go', () => {
  const { queue, take } = make();
  let told = 0;
  queue.queue(bytes('news'), null, () => {
    told += 1;
  });
  for (let i = 0; i < 4; i++) {
    expect(told).toBe(0);
    expect(take(100).texts).toEqual(['news']);
  }
  expect([told, queue.size, take(100).texts]).toEqual([1, 0, []]);
});

// Gossip-wire 12.3.
test('what was told least goes first, then the longest that fits, then the newest', () => {
  const { queue, take } = make();
  queue.queue(bytes('old'));
  take(100);
  queue.queue(bytes('aa'));
  queue.queue(bytes('bb'));
  queue.queue(bytes('cccc'));
  expect(take(100).texts).toEqual(['cccc', 'bb', 'aa', 'old']);
  queue.queue(bytes('fresh'));
  // Seven bytes for the fresh one and its overhead, five left: the longest of those told once does not fit any more.
  expect(take(12)).toEqual({ texts: ['fresh', 'bb'], used: 11 });
});

test('newer news about a name replaces the older, whose waiter is released', () => {
  const { queue, take } = make();
  let released = false;
  queue.queue(bytes('web suspect'), 'web', () => {
    released = true;
  });
  queue.queue(bytes('db alive'), 'db');
  queue.queue(bytes('web alive'), 'web');
  expect(released).toBe(true);
  expect(queue.size).toBe(2);
  expect(take(100).texts).toEqual(['web alive', 'db alive']);
});

test('a packet holds no more parts than old members can split', () => {
  const { queue, take } = make();
  for (let i = 0; i < 10; i++) queue.queue(bytes(`${i}`));
  expect(take(1_000, 3).texts).toHaveLength(3);
});

test('a full queue drops what was told most', () => {
  const { queue, take } = make({ entriesMax: 2 });
  queue.queue(bytes('told'));
  take(100);
  queue.queue(bytes('new 1'));
  queue.queue(bytes('new 2'));
  expect(queue.size).toBe(2);
  expect(take(100).texts).toEqual(['new 2', 'new 1']);
});

test('everybody who waits is released when the queue is cleared', () => {
  const { queue } = make();
  let released = 0;
  queue.queue(bytes('a'), 'a', () => {
    released += 1;
  });
  queue.queue(bytes('b'), null, () => {
    released += 1;
  });
  queue.clear();
  expect([released, queue.size]).toEqual([2, 0]);
});

test('something new is announced, so that it can leave at once', () => {
  const { queue, news } = make();
  queue.queue(bytes('a'));
  queue.queue(bytes('b'));
  expect(news()).toBe(2);
});

function all() {
  const broadcasts = new Broadcasts({
    multiplier: 4,
    members: () => 9,
    serfMembers: () => 99,
    entriesMax: 10,
    membersMax: 10,
    onNews: () => {},
  });
  const texts = (room: number, parts = 0) =>
    broadcasts.take(room, parts).map((part) => Buffer.from(part).toString());
  return { broadcasts, texts };
}

test('whatever fits into one packet goes into it, and each kind is told by its own count', () => {
  const { broadcasts, texts } = all();
  broadcasts.events.queue(bytes('event'));
  broadcasts.queries.queue(bytes('query'));
  broadcasts.intents.queue(bytes('intent'));
  broadcasts.news.queue(bytes('suspect'));
  for (let told = 0; told < 4; told++) {
    expect(texts(100).sort()).toEqual(['event', 'intent', 'query', 'suspect']);
  }
  // News is told four times among nine members; what Serf tells is counted by its own, longer list.
  expect(broadcasts.size).toBe(3);
  expect(texts(100)).toEqual(['intent', 'query', 'event']);
});

test('when there is more than fits, neither news about members nor an event waits for all of the other', () => {
  const { broadcasts, texts } = all();
  for (let n = 0; n < 5; n++) broadcasts.news.queue(bytes(`suspect-${n}`), `member-${n}`);
  broadcasts.events.queue(bytes('event'));
  expect([texts(12), texts(12)].flat().sort()).toEqual(['event', 'suspect-4']);
  expect([texts(100, 126), texts(100, 126)].flat().sort()).toEqual(['event', 'suspect-3']);
});
