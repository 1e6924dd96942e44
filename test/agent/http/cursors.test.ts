import { expect, test } from 'vitest';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { stage } from './stage.ts';

const offsets = (records: unknown) =>
  (records as StreamRecord[]).map((one) => ('Offset' in one ? one.Offset : 0));

test('a named reader confirms, goes away, and goes on behind what it confirmed', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 9);
  const put = await on.request('/v1/events/cursors/pager', { json: { Offset: 4 } });
  expect([put.status, put.json()]).toEqual([200, { Name: 'pager', Share: '', Offset: 4 }]);
  expect(offsets((await on.request('/v1/events?cursor=pager&limit=3')).json())).toEqual([5, 6, 7]);
  expect(offsets((await on.request('/v1/events?cursor=pager')).json())).toEqual([5, 6, 7, 8, 9, 10]);
  expect((await on.request('/v1/events/cursors')).json()).toEqual([
    { Name: 'pager', Share: '', Offset: 4, Lag: 6, Taken: false },
  ]);
});

test('cursors are shown by name and forgotten on demand', async () => {
  const on = await stage();
  await on.request('/v1/events/cursors/a%2Fb', { json: { offset: 0 } });
  expect((await on.request('/v1/events/cursors/a%2Fb')).json()).toMatchObject([{ Name: 'a/b' }]);
  expect((await on.request('/v1/events/cursors/a%2Fb', { method: 'DELETE' })).status).toBe(200);
  const gone = await on.request('/v1/events/cursors/a%2Fb');
  expect([gone.status, gone.text]).toEqual([404, 'No cursor "a/b"']);
});

test('what is no name, no share, no offset and no JSON is told so', async () => {
  const on = await stage();
  const cases: Array<[path: string, body: string, status: number, text: RegExp]> = [
    ['/v1/events/cursors/', '{"Offset":1}', 400, /a name has 1 to 128 characters/],
    [`/v1/events/cursors/${'x'.repeat(129)}`, '{"Offset":1}', 400, /a name has 1 to 128 characters/],
    ['/v1/events/cursors/a?share=3/2', '{"Offset":1}', 400, /Invalid share/],
    ['/v1/events/cursors/a?share=x', '{"Offset":1}', 400, /Invalid share/],
    ['/v1/events/cursors/a', '{"Offset":-1}', 400, /offset/i],
    ['/v1/events/cursors/a', '{"Offset":"1"}', 400, /cannot unmarshal string/],
    ['/v1/events/cursors/a', 'no json', 400, /^Request decode failed/],
    ['/v1/events/cursors/a', '{"Offset":7}', 400, /beyond the end/],
  ];
  for (const [path, body, status, text] of cases) {
    const seen = await on.request(path, { method: 'PUT', body });
    expect([path, body, seen.status]).toEqual([path, body, status]);
    expect(seen.text).toMatch(text);
  }
  const giant = await on
    .request(`/v1/events/cursors/${'x'.repeat(1_000_000)}`)
    .catch(() => ({ status: 431 }));
  expect(giant.status).toBe(431);
  expect((await on.request('/v1/events/stream?cursor=')).status).toBe(400);
});

test('a share that has nothing of its own answers soon', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const seen = await on.request('/v1/events?cursor=pager&share=1/2');
  expect([seen.status, seen.text]).toEqual([200, '[]']);
});

test('who polls with a name keeps it until what he was given is confirmed, or he asks for more', async () => {
  const on = await stage();
  const reads: AbortSignal[] = [];
  const begins: Array<number | null> = [];
  const { stream } = on.server;
  on.server.stream = ((method, params, options) => {
    reads.push(options!.signal!);
    if ('after' in params) begins.push(params.after);
    return stream(method, params, options);
  }) as typeof stream;
  on.server.cursors.set('pager', { name: 'pager', share: '', offset: 0, lag: 0, taken: false });
  on.server.flap('ext', 'critical', 4);
  const poll = (query = '') => on.request(`/v1/events?cursor=pager&limit=3${query}`);
  await poll();
  expect(reads.map(({ aborted }) => aborted)).toEqual([false]);
  await on.request('/v1/events/cursors/pager', { json: { Offset: 2 } });
  expect(reads[0]!.aborted).toBe(false);
  await on.request('/v1/events/cursors/pager', { json: { Offset: 3 } });
  expect(reads[0]!.aborted).toBe(true);
  await poll();
  await poll('&after=5');
  expect(reads.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  // Where it begins is known when it is the reader's turn, and not before.
  expect(begins).toEqual([null, null, 5]);
});
