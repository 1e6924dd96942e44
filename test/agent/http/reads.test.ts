import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { stage } from './stage.ts';

test('how fresh a read must be goes to the servers as it was asked for', async () => {
  const on = await stage();
  const cases: Array<[query: string, mode: string, maxStaleMs: number | null, effective: string]> = [
    ['', 'default', null, 'leader'],
    ['?leader', 'default', null, 'leader'],
    ['?consistent', 'consistent', null, 'consistent'],
    ['?stale=', 'stale', null, 'stale'],
    ['?max_stale=2s', 'stale', 2_000, 'stale'],
  ];
  for (const [query, mode, maxStaleMs, effective] of cases) {
    const seen = await on.request(`/v1/catalog/nodes${query}`);
    expect(on.server.queries.at(-1)).toMatchObject({ mode, maxStaleMs });
    expect(seen.header('x-consul-effective-consistency')).toBe(effective);
  }
});

test('contradictions and what cannot be read are refused', async () => {
  const on = await stage();
  const cases: Array<[query: string, text: string]> = [
    ['?stale&consistent', 'Cannot specify ?stale with ?consistent, conflicting semantics.'],
    ['?cached&consistent', 'Cannot specify ?cached with ?consistent, conflicting semantics.'],
    ['?max_stale=x', 'Invalid max_stale value "x"'],
    ['?index=-1', 'Invalid index'],
    ['?index=abc', 'Invalid index'],
    ['?index=1&wait=10', 'Invalid wait time'],
  ];
  for (const [query, text] of cases) {
    const seen = await on.request(`/v1/catalog/nodes${query}`);
    expect([query, seen.status, seen.text]).toEqual([query, 400, text]);
  }
});

test('every answer says what it contains, an empty one too', async () => {
  const on = await stage();
  const seen = await on.request('/v1/health/service/nobody');
  expect(seen.text).toBe('[]');
  expect(seen.header('x-consul-index')).toBe('1');
  expect(seen.header('x-consul-knownleader')).toBe('true');
  expect(seen.header('x-consul-lastcontact')).toBe('0');
  expect(seen.header('x-rollcall-offset')).toBe('0');
  expect(seen.header('x-rollcall-log')).toBe('log-1');
  expect(seen.header('x-consul-default-acl-policy')).toBe('allow');
});

test('without servers reads say so as Consul does, and the agent itself goes on', async () => {
  const on = await stage();
  on.server.fail(new ExpectedError('NO_SERVERS'));
  for (const path of ['/v1/catalog/nodes', '/v1/status/leader', '/v1/health/state/any']) {
    const seen = await on.request(path);
    expect([path, seen.status, seen.text]).toEqual([path, 500, 'No known Consul servers']);
  }
  expect((await on.request('/v1/agent/members')).status).toBe(200);
});

test('a held read is answered by the change, with the new index', async () => {
  const on = await stage();
  on.server.join('web-1', '10.0.0.1');
  const first = await on.request('/v1/catalog/nodes');
  const index = Number(first.header('x-consul-index'));
  const held = on.request(`/v1/catalog/nodes?index=${index}&wait=60s`);
  await expect.poll(() => on.server.queries.length).toBe(2);
  on.server.join('web-2', '10.0.0.2');
  const seen = await held;
  expect(seen.json()).toHaveLength(2);
  expect(Number(seen.header('x-consul-index'))).toBeGreaterThan(index);
});

test('a held read ends with its time, whatever happened elsewhere', async () => {
  const on = await stage();
  on.server.join('web-1', '10.0.0.1');
  const index = (await on.request('/v1/catalog/services')).header('x-consul-index');
  const held = on.request(`/v1/catalog/services?index=${index}&wait=150ms`);
  on.server.flap('ext', 'critical');
  const seen = await held;
  expect([seen.text, seen.header('x-consul-index')]).toEqual(['{}', index]);
});

test('an index beyond what a double holds is still a number', async () => {
  const on = await stage();
  on.server.join('web-1', '10.0.0.1');
  const seen = await on.request('/v1/catalog/nodes?index=18446744073709551615&wait=20ms');
  expect([seen.status, seen.header('x-consul-index')]).toEqual([200, '1']);
});

test('many who wait for the same are answered by few questions', async () => {
  const on = await stage();
  on.server.join('web-1', '10.0.0.1');
  const index = (await on.request('/v1/health/state/any')).header('x-consul-index');
  const held = Array.from({ length: 50 }, () => on.request(`/v1/health/state/any?index=${index}&wait=60s`));
  await expect.poll(() => on.server.queries.length).toBeGreaterThan(1);
  // All of them wait when no more questions come.
  let before = 0;
  while (before !== on.server.queries.length) {
    before = on.server.queries.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  on.server.flap('ext', 'critical');
  const seen = await Promise.all(held);
  expect(seen.every(({ text }) => text.includes('"flap"'))).toBe(true);
  expect(on.server.queries.length - before).toBeLessThanOrEqual(3);
});

test('another datacenter than ours does not exist', async () => {
  const on = await stage();
  for (const path of ['/v1/catalog/nodes', '/v1/health/state/any', '/v1/status/peers']) {
    const seen = await on.request(`${path}?dc=nope`);
    expect([seen.status, seen.text]).toEqual([500, 'No path to datacenter']);
    expect((await on.request(`${path}?dc=dc1`)).status).toBe(200);
  }
});
