import { expect, test } from 'vitest';
import { checkEventName, encodeCheckNews } from '../../../agent/check-news.ts';
import { localEventsKept } from '../../../agent/local-events.ts';
import { member, type Stage, stage } from './stage.ts';

/** What an agent tells of one of its checks reaches this one. */
function hear(on: Stage, node: string, check: string, output = ''): void {
  const payload = encodeCheckNews({
    node,
    service: '',
    check,
    from: 'passing',
    to: 'critical',
    cause: 'check',
    output,
    observedAtMs: 0,
    omitted: 0,
  })!;
  on.localEvents.receiveUserEvent({ name: checkEventName, payload, ltime: 1, coalesce: false });
}

async function listen(on: Stage, path: string, accept: string) {
  const abort = new AbortController();
  const answer = await fetch(on.url(path), { headers: { accept }, signal: abort.signal });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (marker: string): Promise<string> => {
    while (!text.includes(marker)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended with ${JSON.stringify(text)}`);
      text += value;
    }
    return text;
  };
  return { answer, until, end: () => abort.abort() };
}

test('the list: oldest first, without numbers, with no server at all', async () => {
  const on = await stage();
  hear(on, 'web-1', 'http', 'HTTP 503');
  on.localEvents.receiveChange({ kind: 'failed', member: member('web-2'), dossier: null });
  const seen = await on.request('/v1/events/local');
  expect(seen.json()).toMatchObject([
    { Schema: 1, Kind: 'check.changed', Node: 'web-1', Check: 'http', To: 'critical', Output: 'HTTP 503' },
    { Kind: 'node.failed', Node: 'web-2', From: 'alive', To: 'failed' },
  ]);
  expect(seen.text).not.toContain('"Offset"');
});

test('filters are those of the event log, and the newest can be asked for', async () => {
  const on = await stage();
  for (const node of ['web-1', 'web-2', 'web-3']) hear(on, node, 'http');
  const nodes = async (query: string) =>
    ((await on.request(`/v1/events/local?${query}`)).json() as { Node: string }[]).map(({ Node }) => Node);
  expect(await nodes('node=web-2')).toEqual(['web-2']);
  expect(await nodes('limit=2')).toEqual(['web-2', 'web-3']);
  expect(await nodes('filter=Node+matches+%22-[13]$%22')).toEqual(['web-1', 'web-3']);
  expect(await nodes('kind=node.*')).toEqual([]);
});

test.each([
  ['kind=nope', '"nope" is no kind of event'],
  ['tag=v1', 'Invalid tag: local events know no tags of services'],
  ['limit=0', 'Invalid limit'],
  ['filter=Node+is', 'column 6'],
])('refused: %s', async (query, text) => {
  const on = await stage();
  const seen = await on.request(`/v1/events/local?${query}`);
  expect(seen.status).toBe(400);
  expect(seen.text.toLowerCase()).toContain(text.toLowerCase());
});

test('a stream of lines: what comes from now on', async () => {
  const on = await stage();
  hear(on, 'before', 'http');
  const stream = await listen(on, '/v1/events/local', 'application/x-ndjson');
  expect(stream.answer.headers.get('content-type')).toBe('application/x-ndjson');
  hear(on, 'web-1', 'http');
  hear(on, 'web-2', 'http');
  const lines = (await stream.until('web-2')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).Node)).toEqual(['web-1', 'web-2']);
  stream.end();
});

test('server-sent events: no id, since there is no number to go on from', async () => {
  const on = await stage();
  const stream = await listen(on, '/v1/events/local/stream?node=web-2', '*/*');
  expect(stream.answer.headers.get('content-type')).toBe('text/event-stream');
  hear(on, 'web-1', 'http');
  hear(on, 'web-2', 'http');
  const text = await stream.until('\n\n');
  expect(text).toMatch(/^data: \{"Schema":1,.*"Node":"web-2".*\}\n\n$/);
  stream.end();
});

test('a listener that was too slow is told how much it missed', async () => {
  const on = await stage();
  const stream = await listen(on, '/v1/events/local', 'application/x-ndjson');
  for (let number = 0; number < localEventsKept + 7; number++) hear(on, 'web-1', `c${number}`);
  const [first] = (await stream.until(`"c${localEventsKept + 6}"`)).split('\n');
  expect(JSON.parse(first!)).toEqual({
    Gap: { From: 0, To: 0, Reason: '7 local events came faster than they were read' },
  });
  stream.end();
});

test('when the agent stops, the stream ends in good order', async () => {
  const on = await stage();
  const answer = await fetch(on.url('/v1/events/local/stream'));
  const [text] = await Promise.all([answer.text(), on.http.stop()]);
  expect(text).toBe('');
});
