import { expect, test } from 'vitest';
import { readHistory } from '../../server/history.ts';
import { StoredEvent } from '../../server/recent-events.ts';
import { checkOf, put, Story, startMs, turned } from './story.ts';

/** The log of a story, from an offset on. */
function logOf(story: Story, first = 1) {
  const events = story.events.filter((event) => event.Offset >= first);
  return {
    first,
    last: story.events.length,
    read: async (after: number) =>
      events
        .filter((event) => event.Offset > after)
        .slice(0, 2)
        .map(StoredEvent.from),
  };
}

function flapping(): Story {
  const story = new Story();
  story.alive('web-1');
  story.journal(
    'web-1',
    [put(1_000, checkOf('http')), put(2_000, checkOf('disk')), turned(3_000, 'http', 'critical')].map(
      (record, i) => ({ ...record, revision: i + 1 }),
    ),
  );
  story.failed('web-1');
  story.alive('web-1');
  story.journal('web-1', [{ ...turned(9_000, 'http', 'passing'), revision: 4 }]);
  return story;
}

test('a check: since when, with the times of the agent, and nothing of its neighbours', async () => {
  const { spans, truncated } = await readHistory(logOf(flapping()), {
    node: 'web-1',
    check: 'http',
    sinceMs: 0,
  });
  expect(spans.map(({ status, fromMs, toMs }) => [status, fromMs - startMs, toMs && toMs - startMs])).toEqual(
    [
      ['passing', 1_000, 3_000],
      ['critical', 3_000, 9_000],
      ['passing', 9_000, null],
    ],
  );
  expect(spans[1]).toMatchObject({ output: 'run 3000', offset: 4 });
  expect(truncated).toBe(false);
});

test('a node: its states, by the clock of the leader', async () => {
  const { spans } = await readHistory(logOf(flapping()), { node: 'web-1', check: '', sinceMs: 0 });
  expect(spans.map((span) => span.status)).toEqual(['alive', 'failed', 'alive']);
  expect(spans[1]!.toMs! - spans[1]!.fromMs).toBe(1_000);
});

test('a span that began before the question is shown from there on', async () => {
  const query = { node: 'web-1', check: 'http', sinceMs: startMs + 5_000 };
  const { spans, truncated } = await readHistory(logOf(flapping()), query);
  expect(spans.map(({ status, fromMs, offset }) => [status, fromMs - startMs, offset])).toEqual([
    ['critical', 5_000, 0],
    ['passing', 9_000, 7],
  ]);
  expect(truncated).toBe(false);
});

test('where the log was trimmed, what held before is known from the next change', async () => {
  const query = { node: 'web-1', check: 'http', sinceMs: startMs };
  const { spans, truncated } = await readHistory(logOf(flapping(), 5), query);
  expect(spans.map((span) => span.status)).toEqual(['critical', 'passing']);
  expect(truncated).toBe(true);
});

test('whom nobody knows has no past', async () => {
  expect(await readHistory(logOf(flapping()), { node: 'nobody', check: '', sinceMs: 0 })).toMatchObject({
    spans: [],
  });
});
