import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import type { RpcHandlers } from '../../../proto/rpc.ts';
import { localRpc } from '../../../server/rpc/local.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { statusOf } from './memory-network.ts';

const self = { nodeId: 'id-1', node: 'one', kind: 'server', clusterId: 'c1' } as const;
const filter = { kinds: [], nodes: [], services: [], checks: [], statuses: [], tags: [], expression: '' };

function local(handlers: unknown, clock = new VirtualClock()) {
  return localRpc(handlers as RpcHandlers, self, clock);
}

test('a call is answered by this process, errors as they are', async () => {
  const rpc = local({
    calls: {
      status: async (_: unknown, peer: { node: string }) => ({ ...statusOf(2), leaderName: peer.node }),
      'leader.transfer': async () => {
        throw new ExpectedError('QUORUM');
      },
    },
  });
  expect(await rpc.call('status', {})).toMatchObject({ term: 2, leaderName: 'one' });
  await expect(rpc.call('leader.transfer', { to: '' })).rejects.toMatchObject({ code: 'QUORUM' });
});

test('it waits no longer than a call over the wire', async () => {
  const clock = new VirtualClock();
  const rpc = local({ calls: { status: () => new Promise(() => {}) } }, clock);
  const failure = rpc.call('status', {}, { timeoutMs: 100 }).catch((error) => error.code);
  await clock.settleFor(101);
  expect(await failure).toBe('TIMEOUT');
});

test('a stream ends with its reader and with its signal', async () => {
  const ended: string[] = [];
  const rpc = local({
    streams: {
      'events.read': async function* (_params: unknown, _peer: unknown, signal: AbortSignal) {
        try {
          for (let n = 1; ; n++) {
            if (signal.aborted) return;
            yield { Position: n };
          }
        } finally {
          ended.push(signal.aborted ? 'aborted' : 'left');
        }
      },
    },
  });
  const seen: unknown[] = [];
  for await (const item of rpc.stream('events.read', { after: 0, logId: '', filter })) {
    seen.push(item);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([{ Position: 1 }, { Position: 2 }, { Position: 3 }]);
  const abort = new AbortController();
  for await (const _ of rpc.stream(
    'events.read',
    { after: 0, logId: '', filter },
    { signal: abort.signal },
  )) {
    abort.abort();
  }
  expect(ended).toEqual(['left', 'aborted']);
});

test('a notice is handed over', () => {
  const seen: unknown[] = [];
  const rpc = local({ notices: { 'raft.messages': (params: unknown) => seen.push(params) } });
  rpc.notify('raft.messages', { messages: [] });
  expect(seen).toEqual([{ messages: [] }]);
});
