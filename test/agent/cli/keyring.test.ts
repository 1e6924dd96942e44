import { expect, test } from 'vitest';
import { ask, type Reply } from './stage.ts';

const [old, young] = ['b2xk', 'eW91bmc='];

const pool = {
  Keys: { [old]: 3, [young]: 2 },
  PrimaryKeys: { [old]: 2, [young]: 1 },
  NumNodes: 4,
  Messages: { d: 'no answer' },
  Rings: { a: [young, old], b: [old, young], c: [old] },
};

test('list: who has which key, who seals with it, who lacks it, who is silent', async () => {
  const { code, out, requests } = await ask({ 'GET /v1/operator/keyring': { body: [pool] } }, [
    'keyring',
    'list',
  ]);
  expect(code).toBe(0);
  expect(requests[0]!.query.has('rings')).toBe(true);
  expect(out.split('\n')).toEqual([
    'Key       Members  Sealing',
    'b2xk      3/4      2/4',
    'eW91bmc=  2/4      1/4      not with c',
    'd: no answer',
    '',
  ]);
});

test.each([
  ['install', 'POST', 'All members have the key.'],
  ['use', 'PUT', 'All members seal with the key.'],
  ['remove', 'DELETE', 'The key is gone.'],
])('%s is a %s with the key in the body', async (name, method, said) => {
  const answers = { [`${method} /v1/operator/keyring`]: {} };
  const { code, out, requests } = await ask(answers, ['keyring', name, young]);
  expect({ code, out }).toEqual({ code: 0, out: `${said}\n` });
  expect(JSON.parse(requests[0]!.body)).toEqual({ Key: young });
});

/** An agent that rotates: each look shows the next of these. */
function rotation(...looks: object[]): Record<string, Reply> {
  const state = { State: 'running', Step: '', Reason: '', To: young, From: old };
  return {
    'PUT /v1/agent/key-rotation': { body: state },
    'DELETE /v1/agent/key-rotation': { body: state },
    get 'GET /v1/agent/key-rotation'() {
      return { body: { ...state, ...looks.shift() } };
    },
  };
}

test('rotate: each step and each reason to wait is said once', async () => {
  const answers = rotation(
    { Step: 'install' },
    { Step: 'install', Reason: 'no answer from b' },
    { Step: 'use' },
    { State: 'done', Step: 'remove' },
  );
  const { code, out, requests } = await ask(answers, ['keyring', 'rotate']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'All members get the new key …',
    '  no answer from b',
    'All members have it; now they seal with it …',
    `All members seal with ${young} and have no other key.`,
    expect.stringContaining('"encrypt"'),
    '',
  ]);
  expect([requests[0]!.method, requests[0]!.body]).toEqual(['PUT', '{}']);
});

test('rotate --to, --resume, --abort and --status say what they mean', async () => {
  const done = { State: 'done' };
  const to = await ask(rotation(done), ['keyring', 'rotate', '--to', young]);
  expect(JSON.parse(to.requests[0]!.body)).toEqual({ Key: young });
  const resume = await ask(rotation(done), ['keyring', 'rotate', '--resume']);
  expect([resume.requests[0]!.method, resume.requests[0]!.query.has('resume')]).toEqual(['PUT', true]);
  const abort = await ask(rotation(done), ['keyring', 'rotate', '--abort']);
  expect(abort.requests[0]!.method).toBe('DELETE');
  const status = await ask(rotation({ Step: 'use', Reason: 'no answer from b' }), [
    'keyring',
    'rotate',
    '--status',
  ]);
  expect(status.out).toBe('running at "use": no answer from b\n');
  expect(await ask({}, ['keyring', 'rotate', '--resume', '--abort'])).toMatchObject({ code: 2 });
});

test('a rotation that broke off is a failure with its reason', async () => {
  const broken = { State: 'interrupted', Reason: 'somebody else changes the rings' };
  expect(await ask(rotation(broken), ['keyring', 'rotate'])).toMatchObject({
    code: 1,
    error: 'rollcall: the rotation broke off: somebody else changes the rings\n',
  });
});
