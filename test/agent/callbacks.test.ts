import { expect, test } from 'vitest';
import { makeCallbacks } from '../../agent/callbacks.ts';
import type { LocalCheck } from '../../agent/http/context.ts';

const server = { nodeId: 's', node: 's1', kind: 'server', clusterId: 'c' } as const;

function ask(checks: Array<Partial<LocalCheck>>, ids: string[], node = 'web-1', peer: object = server) {
  const callbacks = makeCallbacks('web-1', { checks: () => checks as LocalCheck[] });
  return callbacks.calls!['agent.output']!({ node, checks: ids }, peer as typeof server);
}

const door = { id: 'door', output: 'open', resultAtMs: 5 };

test('the newest outputs of the checks that were asked for and have one', async () => {
  const checks = [
    door,
    { id: 'lamp', output: 'on', resultAtMs: 6 },
    { id: 'new', output: '', resultAtMs: 0 },
  ];
  expect(await ask(checks, ['door', 'new', 'nope'])).toEqual({
    outputs: { door: { output: 'open', atMs: 5 } },
  });
});

test('an answer stays small: what does not fit is left out', async () => {
  const long = 'x'.repeat(600_000);
  const checks = ['a', 'b', 'c'].map((id) => ({ id, output: long, resultAtMs: 1 }));
  const { outputs } = await ask(checks, ['a', 'b', 'c']);
  expect(Object.keys(outputs)).toEqual(['a']);
});

test('only servers are answered, and only about this node', async () => {
  await expect(ask([door], ['door'], 'web-2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(ask([door], ['door'], 'web-1', { ...server, kind: 'agent' })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  });
});
