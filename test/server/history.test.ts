import { expect, test } from 'vitest';
import type { HistoryQuery } from '../../proto/rpc.ts';
import { History } from '../../server/history.ts';
import { VirtualClock } from '../sim/clock.ts';
import { logOf } from './history-log.ts';
import { checkOf, put, Story, serviceOf, startMs, turned } from './story.ts';

/** The past as the log and the catalog of a story tell it, an hour after it began. */
function historyOf(story: Story, first = 1): (query: Partial<HistoryQuery>) => ReturnType<History['read']> {
  const clock = new VirtualClock();
  clock.wallMs = () => startMs + 3_600_000;
  const ports = { source: logOf(story, first), clock, catalog: () => story.fsm.state.catalog };
  const history = new History(ports);
  return (query) => history.read({ node: 'web-1', check: '', sinceMs: 0, ...query });
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
  const answer = await historyOf(flapping())({ check: 'http' });
  const seen = answer.spans.map(({ status, fromMs, toMs }) => [
    status,
    fromMs - startMs,
    toMs && toMs - startMs,
  ]);
  expect(seen).toEqual([
    ['passing', 1_000, 3_000],
    ['critical', 3_000, 9_000],
    ['passing', 9_000, null],
  ]);
  expect(answer.spans[1]).toMatchObject({ output: 'run 3000', offset: 4 });
  expect(answer).toMatchObject({ truncated: false, changes: 3, statusSinceMs: startMs + 9_000, offset: 7 });
});

test('how well it was: by time, up to now', async () => {
  const { upMs, knownMs, untilMs } = await historyOf(flapping())({ check: 'http' });
  expect(untilMs - startMs).toBe(3_600_000);
  expect(knownMs).toBe(3_600_000 - 1_000);
  expect(upMs).toBe(knownMs - 6_000);
});

test('a node: its states, by the clock of the leader', async () => {
  const { spans } = await historyOf(flapping())({});
  expect(spans.map((span) => span.status)).toEqual(['alive', 'failed', 'alive']);
  expect(spans[1]!.toMs! - spans[1]!.fromMs).toBe(1_000);
});

test('a span that began before the question is shown from there on, with the event that began it', async () => {
  const answer = await historyOf(flapping())({ check: 'http', sinceMs: startMs + 5_000 });
  expect(answer.spans.map(({ status, fromMs, offset }) => [status, fromMs - startMs, offset])).toEqual([
    ['critical', 5_000, 4],
    ['passing', 9_000, 7],
  ]);
  expect(answer.spans[0]!.output).toBe('run 3000');
  expect(answer).toMatchObject({ changes: 1, truncated: false });
});

test('since when it is so, though nothing happened since the question', async () => {
  const sinceMs = startMs + 100_000;
  const answer = await historyOf(flapping())({ check: 'http', sinceMs });
  expect(answer.spans).toMatchObject([{ status: 'passing', fromMs: sinceMs, toMs: null, offset: 7 }]);
  expect(answer).toMatchObject({ changes: 0, statusSinceMs: startMs + 9_000 });
});

test('where the log was trimmed, what held before is known from the next change, from the first event on', async () => {
  const story = flapping();
  const firstKept = story.events[4]!;
  const answer = await historyOf(story, firstKept.Offset)({ check: 'http', sinceMs: startMs });
  expect(answer.spans.map((span) => span.status)).toEqual(['critical', 'passing']);
  expect(answer.spans[0]).toMatchObject({ fromMs: Date.parse(firstKept.Time), offset: 0 });
  expect(answer.truncated).toBe(true);
});

test('when its last change is no longer kept, the catalog knows it', async () => {
  const story = flapping();
  const answer = await historyOf(story, story.events.length + 1)({ check: 'disk' });
  const { lastChange } = story.fsm.state.catalog.check('web-1', 'disk')!;
  const fromMs = Date.parse(lastChange);
  expect(answer.spans).toMatchObject([{ status: 'passing', fromMs, toMs: null, offset: 0 }]);
  expect(answer.statusSinceMs).toBe(fromMs);
});

test('a check that went with its service has been gone since then, and one that came back as well', async () => {
  const story = new Story();
  story.alive('web-1');
  const shop = { kind: 'service.put', observedAtMs: startMs, service: serviceOf('shop') } as const;
  const check = put(1, checkOf('http', { serviceId: 'shop' }));
  story.journal('web-1', [
    { ...shop, revision: 1 },
    { ...check, revision: 2 },
    { kind: 'service.remove', revision: 3, observedAtMs: startMs + 60_000, service: 'shop' },
  ]);
  const gone = await historyOf(story)({ check: 'http' });
  expect(gone.spans.map(({ status, fromMs }) => [status, fromMs - startMs])).toEqual([
    ['passing', 1],
    ['', 60_000],
  ]);
  expect(gone.knownMs).toBe(60_000 - 1);
  story.journal('web-1', [
    { ...shop, revision: 4 },
    { ...check, revision: 5, observedAtMs: startMs + 90_000 },
  ]);
  const back = await historyOf(story)({ check: 'http' });
  expect(back.spans.map(({ status, fromMs }) => [status, fromMs - startMs])).toEqual([
    ['passing', 1],
    ['', 60_000],
    ['passing', 90_000],
  ]);
});

test('a check of a node that left is gone', async () => {
  const story = flapping();
  story.commit({ kind: 'node.left', v: 1, node: 'web-1', life: 2, cause: 'leave' });
  expect((await historyOf(story)({ check: 'http' })).spans.at(-1)).toMatchObject({ status: '', toMs: null });
});

test('whom nobody knows has no past', async () => {
  const answer = await historyOf(flapping())({ node: 'nobody' });
  expect(answer).toMatchObject({ spans: [], changes: 0, knownMs: 0, statusSinceMs: null });
});
