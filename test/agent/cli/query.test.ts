import { expect, test } from 'vitest';
import { ask } from './stage.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const path = 'PUT /v1/agent/query-members/uptime';
const result = {
  Acks: ['web-2', 'web-1'],
  Answers: [
    { From: 'web-1', Payload: base64('up 3 days\nload 0.5\n') },
    { From: 'web-2', Payload: null },
  ],
};

test('every line of an answer behind the name of who gave it', async () => {
  const { code, out } = await ask({ [path]: { body: result } }, ['query', 'uptime']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual(['web-1: up 3 days', 'web-1: load 0.5', 'web-2: ', '2 answers.', '']);
});

test('acks, and all wishes are passed on', async () => {
  const wishes = [
    '--node',
    'a',
    '--node',
    'b',
    '--tag',
    'role=web.*',
    '--ack',
    '--relay',
    '2',
    '--timeout',
    '3s',
  ];
  const { out, requests } = await ask({ [path]: { body: result } }, ['query', 'uptime', 'now?', ...wishes]);
  expect(out).toContain('web-1 has heard it\nweb-2 has heard it\n');
  expect(out).toContain('2 have heard it, 2 answers.');
  const [{ body, query }] = requests as [(typeof requests)[0]];
  expect(body).toBe('now?');
  expect([...query].join(' ')).toBe('node,a node,b tag,role=web.* ack, relay-factor,2 timeout,3s');
});

test('an answer cannot steer the terminal; programs get it as it is', async () => {
  const evil = { Acks: [], Answers: [{ From: 'a', Payload: base64('\u001b[2J') }] };
  expect((await ask({ [path]: { body: evil } }, ['query', 'uptime'])).out).not.toContain('\u001b');
  const json = await ask({ [path]: { body: evil } }, ['query', 'uptime', '--format', 'json']);
  expect(JSON.parse(json.out)).toEqual(evil);
});
