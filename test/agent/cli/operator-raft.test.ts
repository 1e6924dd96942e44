import { expect, test } from 'vitest';
import { ask } from './stage.ts';

const servers = [
  { ID: 'id-1', Node: 's1', Address: '10.0.0.1:8300', Leader: true, Voter: true },
  { ID: 'id-2', Node: 's2', Address: '10.0.0.2:8300', Leader: false, Voter: false },
];
const listed = { 'GET /v1/operator/raft/configuration': { body: { Servers: servers, Index: 0 } } };

test('list-peers shows who leads and who votes', async () => {
  const { code, out } = await ask(listed, ['operator', 'raft', 'list-peers']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'Node  ID    Address        State     Voter',
    's1    id-1  10.0.0.1:8300  leader    true',
    's2    id-2  10.0.0.2:8300  follower  false',
    '',
  ]);
});

test('a server is named by name, id or address, and asked for by id', async () => {
  const answers = { ...listed, 'DELETE /v1/operator/raft/peer': {} };
  for (const name of ['s2', 'id-2', '10.0.0.2:8300']) {
    const { code, out, requests } = await ask(answers, ['operator', 'raft', 'remove-peer', name]);
    expect([code, out]).toEqual([0, 's2 is no server of this cluster any more.\n']);
    expect(requests.at(-1)!.query.get('id')).toBe('id-2');
  }
  const { code, error } = await ask(answers, ['operator', 'raft', 'remove-peer', 's3']);
  expect([code, error]).toEqual([1, 'rollcall: s3 is no server of this cluster (there are s1, s2)\n']);
});

test('a refusal is one line with the reason', async () => {
  const reason = 'the quorum would be lost: of the 2 voters left only 1 would be healthy, 2 are needed';
  const answers = { ...listed, 'DELETE /v1/operator/raft/peer': { status: 500, body: reason } };
  const { code, error } = await ask(answers, ['operator', 'raft', 'remove-peer', 's1']);
  expect([code, error]).toEqual([1, `rollcall: ${reason}\n`]);
});

test('add-voter and transfer-leader', async () => {
  const answers = {
    ...listed,
    'PUT /v1/operator/raft/voter': {},
    'PUT /v1/operator/raft/transfer-leader': { body: { Success: true } },
  };
  expect((await ask(answers, ['operator', 'raft', 'add-voter', 's2'])).out).toBe('s2 votes.\n');
  const given = await ask(answers, ['operator', 'raft', 'transfer-leader', 's1']);
  expect(given.out).toBe('s1 leads.\n');
  const transfers = given.requests.filter((request) => request.method === 'PUT');
  expect(transfers.map((request) => request.query.get('id'))).toEqual(['id-1']);
  const any = await ask(answers, ['operator', 'raft', 'transfer-leader']);
  expect(any.requests[0]!.query.has('id')).toBe(false);
});
