import { expect, test } from 'vitest';
import { stage } from './stage.ts';

test('an idempotency key travels with the write, and a retry has one effect and the same answer', async () => {
  const on = await stage();
  const send = () =>
    on.request('/v1/catalog/register', {
      json: { Node: 'ext', Address: '10.0.0.1', Check: { Name: 'c', Status: 'passing' } },
      headers: { 'idempotency-key': 'order-7' },
    });
  const first = await send();
  const offset = on.server.lastOffset;
  const second = await send();
  expect(on.server.writes.map(({ once }) => once)).toEqual([
    { client: 'http', key: 'order-7' },
    { client: 'http', key: 'order-7' },
  ]);
  expect(on.server.lastOffset).toBe(offset);
  expect([second.text, second.header('x-rollcall-offset')]).toEqual([
    first.text,
    first.header('x-rollcall-offset'),
  ]);
  const giant = await on.request('/v1/catalog/register', {
    json: { Node: 'ext', Address: '10.0.0.1' },
    headers: { 'idempotency-key': 'k'.repeat(300) },
  });
  expect(giant.status).toBe(400);
});

test('a definition is shown with durations as text and kinds by name, and keeps what it does not know', async () => {
  const on = await stage();
  await on.request('/v1/catalog/register', {
    json: {
      Node: 'ext',
      Address: '10.0.0.1',
      Check: {
        Name: 'web',
        Definition: { HTTP: 'http://x/', IntervalDuration: '10s', TimeoutDuration: 5e9, Mine: 1, TCP: '' },
      },
    },
  });
  expect((await on.request('/v1/health/node/ext')).json()).toMatchObject([
    {
      CheckID: 'web',
      Status: 'critical',
      Type: 'http',
      Definition: { HTTP: 'http://x/', Interval: '10s', Timeout: '5s', Mine: 1 },
    },
  ]);
});

test('the datacenter of the body counts', async () => {
  const on = await stage();
  const seen = await on.request('/v1/catalog/register', {
    json: { Node: 'ext', Address: '10.0.0.1', Datacenter: 'nope' },
  });
  expect([seen.status, seen.text]).toEqual([500, 'No path to datacenter']);
});
