import { expect, test } from 'vitest';
import type { KeyReport } from '../../../agent/gossip/serf/keys.ts';
import type { HttpContext } from '../../../agent/http/context.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import { recordedExchanges, type Seen, type Stage, shapeOf, stage } from './stage.ts';

const recorded = recordedExchanges('keyring');
const key = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=';

const fine: KeyReport = {
  members: 2,
  succeeded: 2,
  failures: {},
  silent: [],
  keys: { [key]: 2 },
  primaryKeys: { [key]: 2 },
  rings: { a: [key], b: [key] },
};

/** All members, answering with this. */
async function members(report: Partial<KeyReport> = {}): Promise<{ on: Stage; asked: string[] }> {
  const asked: string[] = [];
  const on = await stage({
    keys: async (operation, asks) => {
      asked.push(`${operation} ${asks}`);
      return { ...fine, ...report };
    },
  });
  return { on, asked };
}

function again(on: Stage, name: string): Promise<Seen> {
  const { method, path, query, body } = recorded.get(name)!.request;
  return on.request(`${path}${query ? `?${query}` : ''}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test('the list has the recorded shape, for the one pool that we have', async () => {
  const { on } = await members();
  const seen = await again(on, 'keyring list, local-only');
  expect(shapeOf(seen.json())).toEqual(shapeOf(recorded.get('keyring list, local-only')!.response.body));
  expect(seen.json()).toMatchObject([{ Keys: { [key]: 2 }, PrimaryKeys: { [key]: 2 }, NumNodes: 2 }]);
  expect((await on.request('/v1/operator/keyring?rings')).json()).toMatchObject([{ Rings: { a: [key] } }]);
});

test('install, use and remove are three methods; the answer is empty', async () => {
  const { on, asked } = await members();
  for (const name of ['keyring install', 'keyring use', 'keyring remove']) {
    const seen = await again(on, name);
    expect([name, seen.status, seen.text]).toEqual([name, 200, '']);
  }
  expect(asked.map((line) => line.split(' ')[0])).toEqual(['install', 'use', 'remove']);
});

test('who refuses is named with the reason, as recorded', async () => {
  const failures = { a: 'Requested key is not in the keyring', b: 'Requested key is not in the keyring' };
  const { on } = await members({ failures, succeeded: 0 });
  const seen = await again(on, 'keyring use an unknown key');
  expect([seen.status, seen.text]).toEqual([
    500,
    '3 errors occurred:\n\t* dc1 (LAN) error: 2/2 nodes reported failure\n\t* a: Requested key is not in the keyring\n\t* b: Requested key is not in the keyring\n\n',
  ]);
  const plain = await members({ failures: { dev: 'this agent has no gossip encryption' }, members: 1 });
  const without = await again(plain.on, 'keyring without encryption');
  expect(without.status).toBe(recorded.get('keyring without encryption')!.response.status);
  expect(without.text).toMatch(/^2 errors occurred:\n\t\* dc1 \(LAN\) error: 1\/1 nodes reported failure/);
});

test('who does not answer is named: a change has not succeeded, a list shows what there is', async () => {
  const { on } = await members({ silent: ['b'], succeeded: 1 });
  const seen = await again(on, 'keyring install');
  expect([seen.status, seen.text]).toEqual([
    500,
    '2 errors occurred:\n\t* dc1 (LAN) error: 1/2 nodes reported success\n\t* b: no answer\n\n',
  ]);
  expect((await on.request('/v1/operator/keyring')).json()).toMatchObject([
    { Messages: { b: 'no answer' }, Keys: { [key]: 2 } },
  ]);
});

test('what cannot be asked for', async () => {
  const on = await stage({
    keys: async () => {
      throw new ExpectedError('BAD_REQUEST', 'a gossip key is base64 of 16, 24 or 32 bytes; this one has 2');
    },
  });
  const relay = await again(on, 'keyring list, bad relay-factor');
  expect([relay.status, relay.text]).toEqual([
    400,
    recorded.get('keyring list, bad relay-factor')!.response.bodyText,
  ]);
  const nobody = await again(on, 'keyring install, no body');
  expect([nobody.status, nobody.text]).toEqual([
    400,
    recorded.get('keyring install, no body')!.response.bodyText,
  ]);
  const bad = await again(on, 'keyring install, bad key');
  expect([bad.status, bad.text]).toEqual([
    500,
    '1 error occurred:\n\t* dc1 (LAN) error: a gossip key is base64 of 16, 24 or 32 bytes; this one has 2\n\n',
  ]);
});

test('a rotation is begun, watched, resumed and aborted', async () => {
  const said: string[] = [];
  const running = {
    state: 'running',
    step: 'use',
    reason: 'no answer from b',
    to: 'new',
    from: 'old',
  } as const;
  const keyRotation: HttpContext['keyRotation'] = {
    status: () => running,
    start: async (to) => {
      said.push(`start ${to}`);
      return { ...running, step: null };
    },
    resume: () => {
      said.push('resume');
      return running;
    },
    abort: async () => {
      throw new ExpectedError('BAD_REQUEST', 'there is no key rotation to abort');
    },
  };
  const on = await stage({ keyRotation });
  const path = '/v1/agent/key-rotation';
  expect((await on.request(path)).json()).toEqual({
    State: 'running',
    Step: 'use',
    Reason: 'no answer from b',
    To: 'new',
    From: 'old',
  });
  expect((await on.request(path, { method: 'PUT' })).json()).toMatchObject({ State: 'running', Step: '' });
  await on.request(path, { json: { Key: key } });
  await on.request(`${path}?resume`, { method: 'PUT' });
  expect(said).toEqual(['start null', `start ${key}`, 'resume']);
  const seen = await on.request(path, { method: 'DELETE' });
  expect([seen.status, seen.text]).toEqual([400, 'there is no key rotation to abort']);
  expect((await on.request(path, { json: { Key: 7 } })).status).toBe(400);
});
