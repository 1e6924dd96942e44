import net from 'node:net';
import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { member, type Stage, stage } from './stage.ts';

interface Listener {
  readonly status: number;
  readonly headers: Headers;
  /** Everything that has come. */
  text(): string;
  records(): StreamRecord[];
  close(): void;
  ended: Promise<void>;
}

async function listen(on: Stage, query: string, headers: Record<string, string> = {}): Promise<Listener> {
  const abort = new AbortController();
  const answer = await fetch(on.url(`/v1/events/stream${query}`), { headers, signal: abort.signal });
  let seen = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body!) seen += decoder.decode(chunk, { stream: true });
  })().catch(() => {});
  return {
    status: answer.status,
    headers: answer.headers,
    text: () => seen,
    records: () =>
      seen
        .split('\n')
        .filter((line) => line.startsWith('{') || line.startsWith('data: '))
        .map((line) => JSON.parse(line.replace(/^data: /, ''))),
    close: () => abort.abort(),
    ended,
  };
}

const lines = { accept: 'application/x-ndjson' };
const offsets = (records: readonly StreamRecord[]) =>
  records.flatMap((one) => ('Offset' in one ? [one.Offset] : []));

test('server-sent events: an id on each, everything after the offset, then what happens', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const listener = await listen(on, '?after=1');
  expect(listener.headers.get('content-type')).toBe('text/event-stream');
  expect(listener.headers.get('x-rollcall-log')).toBe('log-1');
  await expect.poll(() => offsets(listener.records())).toEqual([2, 3, 4]);
  on.server.flap('ext', 'passing');
  await expect.poll(() => offsets(listener.records())).toEqual([2, 3, 4, 5]);
  expect(listener.text()).toMatch(/\nid: 5\ndata: \{"Schema":1,"Offset":5,.*\}\n\n$/);
  listener.close();
});

test('lines of JSON for programs, one object each, in the schema of the log', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const listener = await listen(on, '?after=0', lines);
  expect(listener.headers.get('content-type')).toBe('application/x-ndjson');
  await expect.poll(() => listener.records()).toHaveLength(2);
  expect(listener.text().trim().split('\n')).toHaveLength(2);
  expect(listener.records()[1]).toMatchObject({
    Schema: 1,
    Offset: 2,
    Kind: 'check.added',
    Node: 'ext',
    Check: 'flap',
    To: 'critical',
    Evidence: null,
    Ref: 0,
  });
  listener.close();
});

test('without an offset it begins now, and says where that is', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const listener = await listen(on, '');
  await expect.poll(() => listener.text()).toContain('event: position\nid: 4\ndata: {"Position":4}');
  on.server.flap('ext', 'passing');
  await expect.poll(() => offsets(listener.records())).toEqual([5]);
  listener.close();
});

test('a browser that comes back goes on where it was, whatever the address says', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const listener = await listen(on, '?after=0', { 'last-event-id': '3' });
  await expect.poll(() => offsets(listener.records())).toEqual([4]);
  listener.close();
});

test('a filter passes what it selects', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 2);
  on.server.join('web-1', '10.0.0.9');
  on.server.flap('other', 'critical');
  const listener = await listen(on, '?after=0&kind=node.*&filter=Node%20matches%20%22%5Eweb%22', lines);
  await expect.poll(() => listener.records()).toMatchObject([{ Kind: 'node.joined', Node: 'web-1' }]);
  listener.close();
});

test('what is gone is named by a gap, except by who asked for the first that is kept', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 9);
  on.server.firstKept = 6;
  const listener = await listen(on, '?after=2');
  await expect.poll(() => offsets(listener.records())).toEqual([6, 7, 8, 9, 10]);
  expect(listener.text()).toContain('event: gap\nid: 5\ndata: {"Gap":{"From":3,"To":5,');
  listener.close();
  const fromFirst = await listen(on, '?after=0', lines);
  await expect.poll(() => fromFirst.records().length).toBe(5);
  expect(offsets(fromFirst.records())).toEqual([6, 7, 8, 9, 10]);
  fromFirst.close();
});

test('what is wrong with a request is answered before anything is sent', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const cases: Array<[query: string, status: number, text: RegExp]> = [
    ['?after=-1', 400, /^Invalid after: "-1" is no offset/],
    ['?after=x', 400, /^Invalid after: "x"/],
    ['?after=99999999999999999999', 400, /^Invalid after/],
    ['?after=99', 400, /beyond the end/],
    ['?kind=node.exploded', 400, /no kind of event/],
    ['?filter=Node%20%3D', 400, /^Failed to create boolean expression evaluator/],
    ['?log=another&after=1', 410, /this is log log-1, not another: its first offset kept is 1/],
  ];
  for (const [query, status, text] of cases) {
    for (const path of ['/v1/events/stream', '/v1/events']) {
      const seen = await on.request(path + query);
      expect([query, seen.status]).toEqual([query, status]);
      expect(seen.text).toMatch(text);
    }
  }
});

test('without servers it says so at once; one that has begun waits and hears signs of life', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const listener = await listen(on, '?after=0', lines);
  await expect.poll(() => offsets(listener.records())).toEqual([1, 2]);
  on.server.fail(new ExpectedError('NO_SERVERS'));
  const late = await on.request('/v1/events/stream?after=0');
  expect([late.status, late.text]).toEqual([500, 'No known Consul servers']);
  on.server.fail(null);
  on.server.flap('ext', 'passing');
  await expect.poll(() => offsets(listener.records())).toEqual([1, 2, 3]);
  listener.close();
});

test('a log that answers with an error ends the stream with its name', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const listener = await listen(on, '?after=0');
  await expect.poll(() => offsets(listener.records())).toEqual([1, 2]);
  on.server.fail(new ExpectedError('OFFSET_TRIMMED', 'the log was replaced'));
  await listener.ended;
  expect(listener.text()).toContain(
    'event: error\ndata: {"Error":{"Code":"OFFSET_TRIMMED","Message":"the log was replaced"}}\n\n',
  );
});

test('when the agent stops, listeners are told and let go', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const listener = await listen(on, '?after=0', lines);
  await expect.poll(() => listener.records()).toHaveLength(2);
  await on.http.stop();
  await listener.ended;
  expect(listener.records().at(-1)).toMatchObject({ Error: { Code: 'STOPPING' } });
});

test('a listener that never reads holds nothing up and is held in no memory', async () => {
  const on = await stage();
  const socket = net.connect(on.http.address.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.pause();
  socket.write('GET /v1/events/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n');
  const output = 'x'.repeat(4_000);
  const read = { taken: 0 };
  const stream = on.server.stream;
  on.server.stream = ((method, params, options) => {
    const items = stream(method, params, options);
    return (async function* () {
      for await (const item of items) {
        read.taken += 1;
        yield { ...item, Output: output };
      }
    })();
  }) as typeof stream;
  on.server.flap('ext', 'critical', 3_000);
  const other = await listen(on, '?after=2990', lines);
  await expect.poll(() => offsets(other.records()).at(-1)).toBe(3_001);
  // Kernel buffers take a few megabytes; the rest was never asked for.
  expect(read.taken).toBeLessThan(2_500);
  other.close();
  socket.destroy();
});

test('the long poll: a list, and where to go on', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 4);
  const seen = await on.request('/v1/events?after=2&limit=2');
  expect(offsets(seen.json() as StreamRecord[])).toEqual([3, 4]);
  expect([seen.header('x-rollcall-offset'), seen.header('x-rollcall-log')]).toEqual(['4', 'log-1']);
  const rest = await on.request('/v1/events?after=4');
  expect(offsets(rest.json() as StreamRecord[])).toEqual([5]);
  const nothing = await on.request('/v1/events?after=5');
  expect([nothing.text, nothing.header('x-rollcall-offset')]).toEqual(['[]', '5']);
  expect((await on.request('/v1/events')).header('x-rollcall-offset')).toBe('5');
  for (const wrong of ['after=-1', 'after=9', 'limit=0', 'wait=soon', 'kind=x', 'filter=x', 'cursor=']) {
    const refused = await on.request(`/v1/events?${wrong}`);
    const said = [refused.status, refused.header('x-rollcall-offset'), refused.header('x-rollcall-log')];
    expect([wrong, ...said]).toEqual([wrong, 400, '5', 'log-1']);
  }
});

test('a held poll is answered by the first event', async () => {
  const on = await stage();
  const held = on.request('/v1/events?after=0&wait=1m');
  await expect.poll(() => on.server.lastOffset).toBe(0);
  on.server.join('web-1', '10.0.0.9');
  const seen = await held;
  expect((seen.json() as StreamRecord[])[0]).toMatchObject({ Offset: 1, Kind: 'node.joined' });
  const empty = await on.request('/v1/events?after=1&wait=30ms');
  expect([empty.status, empty.text]).toEqual([200, '[]']);
});

test('a filtered poll advances though nothing matches', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 20);
  const seen = await on.request('/v1/events?after=0&node=nobody');
  expect([seen.text, seen.header('x-rollcall-offset')]).toEqual(['[]', '21']);
});

test('a poll beyond retention is a 410 that names the first offset kept', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 9);
  on.server.firstKept = 6;
  const seen = await on.request('/v1/events?after=2');
  expect([seen.status, seen.text]).toEqual([
    410,
    'the log no longer holds offset 3: the first one kept is 6',
  ]);
  expect([seen.header('x-rollcall-offset'), seen.header('x-rollcall-log')]).toEqual(['5', 'log-1']);
  expect(offsets((await on.request('/v1/events?after=0')).json() as StreamRecord[])[0]).toBe(6);
});

test('a stream ahead of its server leaves nothing open but itself, and a name is not asked for twice', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  let open = 0;
  const named: boolean[] = [];
  on.server.stream = ((_method, params, options) =>
    (async function* () {
      open += 1;
      if ('cursor' in params) named.push(params.cursor !== undefined);
      try {
        yield { Position: 9 };
        await new Promise<void>((resolve) => options?.signal?.addEventListener('abort', () => resolve()));
      } finally {
        open -= 1;
      }
    })()) as typeof on.server.stream;
  on.server.cursors.set('pager', { name: 'pager', share: '', offset: 9, lag: 0, taken: false });
  const listener = await listen(on, '?after=9', lines);
  const reader = await listen(on, '?cursor=pager', lines);
  await expect.poll(() => open).toBe(2);
  expect(named).toEqual([true]);
  reader.close();
  listener.close();
});

test('a poll ends before a gap in the middle, and the next one is refused', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 9);
  const { stream } = on.server;
  on.server.stream = ((method, params, options) =>
    (async function* () {
      for await (const item of stream(method, params, options)) {
        const offset = (item as { Offset: number }).Offset;
        if (offset === 4) yield { Gap: { From: 4, To: 6, Reason: 'restored' } };
        if (offset < 4 || offset > 6) yield item;
      }
    })()) as typeof stream;
  for (const after of [0, 2]) {
    const seen = await on.request(`/v1/events?after=${after}`);
    expect(offsets(seen.json() as StreamRecord[]).at(-1)).toBe(3);
    expect(seen.header('x-rollcall-offset')).toBe('3');
  }
  const refused = await on.request('/v1/events?after=3');
  expect([refused.status, refused.header('x-rollcall-offset')]).toEqual([410, '6']);
});

test('a poll ahead of its server waits for the word of the leader, however short its wait', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const { stream } = on.server;
  on.server.stream = ((method, params, options) =>
    (async function* () {
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield* stream(method, params, options);
    })()) as typeof stream;
  const seen = await on.request('/v1/events?after=99');
  expect([seen.status, seen.header('x-rollcall-offset')]).toEqual([400, '2']);
});

test('a snapshot is the state at an offset to go on from', async () => {
  const on = await stage();
  on.members.push(member('web-1'));
  on.server.join('web-1', '10.0.0.9');
  on.server.flap('ext', 'critical');
  const seen = await on.request('/v1/events/snapshot');
  expect(seen.json()).toMatchObject({
    Offset: 3,
    Log: 'log-1',
    Nodes: [{ Node: 'ext' }, { Node: 'web-1', State: 'alive', Life: 1 }],
    Checks: [{ CheckID: 'flap' }, { CheckID: 'serfHealth' }],
  });
  expect(seen.header('x-rollcall-offset')).toBe('3');
});
