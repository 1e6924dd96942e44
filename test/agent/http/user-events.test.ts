import { expect, test } from 'vitest';
import { recordedExchanges, type Seen, type Stage, shapeOf, stage } from './stage.ts';

const recorded = recordedExchanges('event');

const fire = (on: Stage, path: string, body?: string) =>
  on.request(`/v1/event/fire/${path}`, { method: 'PUT', ...(body === undefined ? {} : { body }) });

/** Says a recorded request again. */
function again(on: Stage, name: string): Promise<Seen> {
  const { method, path, query, body } = recorded.get(name)!.request;
  return on.request(`${path}${query ? `?${query}` : ''}`, {
    method,
    ...(typeof body === 'string' ? { body } : {}),
  });
}

test.each(['fire with payload', 'fire without payload', 'fire with filters'])(
  'an answer as the recorded one: %s',
  async (name) => {
    const on = await stage();
    const seen = await again(on, name);
    const { ID: _, ...expected } = recorded.get(name)!.response.body as Record<string, unknown>;
    expect(seen.json()).toEqual({ ...expected, ID: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(Object.keys(seen.json() as object)).toEqual(Object.keys({ ID: '', ...expected }));
  },
);

test.each(['fire with tag but no service', 'fire without name', 'fire with GET'])(
  'a refusal as the recorded one: %s',
  async (name) => {
    const seen = await again(await stage(), name);
    const { status, bodyText } = recorded.get(name)!.response;
    expect([seen.status, seen.text]).toEqual([status, bodyText]);
  },
);

test('an expression that cannot be read and an event that is too large are refused in the recorded way', async () => {
  const on = await stage();
  const bad = await again(on, 'fire with a bad regexp');
  expect(bad.status).toBe(500);
  expect(bad.text).toMatch(/^Invalid node filter: error parsing regexp: /);
  const large = await fire(on, 'big', 'z'.repeat(1_000));
  const name = 'fire with 1000 bytes (over the serf user event limit)';
  expect(large.status).toBe(recorded.get(name)!.response.status);
  expect(large.text).toContain('user event exceeds configured limit of 512 bytes before encoding');
  const foreign = await fire(on, 'deploy?dc=dc9');
  expect([foreign.status, foreign.text]).toEqual([500, 'No path to datacenter']);
});

test('the list has what was fired, and the index of its last event', async () => {
  const on = await stage();
  await fire(on, 'ping');
  const { ID } = (await fire(on, 'deploy', 'v1')).json() as { ID: string };
  const list = await on.request('/v1/event/list');
  const events = list.json() as Array<Record<string, unknown>>;
  expect(events.map(({ Name, LTime }) => [Name, LTime])).toEqual([
    ['ping', 1],
    ['deploy', 2],
  ]);
  expect(shapeOf(events[1])).toEqual(shapeOf((recorded.get('list by name')!.response.body as unknown[])[0]));
  const digits = ID.replaceAll('-', '');
  const folded = BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`);
  expect(list.header('x-consul-index')).toBe(String(folded));
  const none = await on.request('/v1/event/list?name=nope');
  expect([none.text, none.header('x-consul-index')]).toEqual(['[]', '1']);
});

test('a held list wakes for the next event of its name, and only for that', async () => {
  const on = await stage();
  await fire(on, 'deploy', '1');
  const index = (await on.request('/v1/event/list?name=deploy')).header('x-consul-index');
  let answered = false;
  const held = on.request(`/v1/event/list?name=deploy&index=${index}&wait=60s`).then((seen) => {
    answered = true;
    return seen;
  });
  await fire(on, 'other');
  await on.request('/v1/event/list');
  expect(answered).toBe(false);
  await fire(on, 'deploy', '2');
  const seen = await held;
  expect(seen.json()).toHaveLength(2);
  expect(seen.header('x-consul-index')).not.toBe(index);
});

test('a held list ends with its time, and another index is no reason to wait', async () => {
  const on = await stage();
  expect((await on.request('/v1/event/list?index=1&wait=20ms')).text).toBe('[]');
  const far = await on.request('/v1/event/list?index=11794801034626731737&wait=60s');
  expect(far.text).toBe('[]');
  expect((await on.request('/v1/event/list?index=abc')).status).toBe(400);
});

test('a plain event of Serf is listed too; names of agents and of Consul are refused', async () => {
  const on = await stage();
  const put = (name: string, body = 'v1') =>
    on.request(`/v1/agent/user-event/${encodeURIComponent(name)}`, { method: 'PUT', body });
  expect((await put('deploy/web 1?coalesce')).json()).toEqual({
    Name: 'deploy/web 1?coalesce',
    Payload: 'djE=',
    Coalesce: false,
  });
  expect((await on.request('/v1/event/list')).json()).toMatchObject([
    { Name: 'deploy/web 1?coalesce', Payload: 'djE=', Version: 0, LTime: 1 },
  ]);
  for (const name of ['rollcall:check', 'consul:event:x']) {
    expect([(await put(name)).status, (await put(name)).text]).toEqual([
      400,
      `names that begin with "${name.split(':')[0]}:" are not for user events`,
    ]);
  }
  expect((await put('big', 'z'.repeat(600))).status).toBe(500);
  expect((await on.request('/v1/agent/user-event/', { method: 'PUT' })).text).toBe('Missing name');
});
