import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { connectRpc, dialTimeoutMs } from '../../../server/rpc/client.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { MemoryNetwork, testHost } from './memory-network.ts';

const nowhere = { host: '10.0.0.1', port: 8300 };

/** A host that does not answer the dial, as one behind a firewall that drops packets. */
function blackHole() {
  const network = new MemoryNetwork();
  network.dial = (_to, signal?: AbortSignal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new ExpectedError('CONNECTION_LOST', 'given up')));
    });
  const clock = new VirtualClock();
  return { clock, host: testHost({ clock, network }) };
}

test('a dial without an answer is given up in time', async () => {
  const { clock, host } = blackHole();
  const failure = connectRpc(nowhere, host).catch((error) => error.code);
  await clock.settleFor(dialTimeoutMs + 1);
  expect(await failure).toBe('CONNECTION_LOST');
});

test('a connection that is not wanted any more is not made', async () => {
  const { host } = blackHole();
  const abort = new AbortController();
  const failure = connectRpc(nowhere, host, { signal: abort.signal }).catch((error) => error.code);
  abort.abort();
  expect(await failure).toBe('CONNECTION_LOST');
  await expect(connectRpc(nowhere, host, { signal: abort.signal })).rejects.toMatchObject({
    code: 'STOPPING',
  });
});

test('two processes never draw the same instance', () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork();
  const one = testHost({ clock, network, seed: 'one' });
  const two = testHost({ clock, network, seed: 'two' });
  expect(one.instance).toHaveLength(8);
  expect(one.instance).not.toEqual(two.instance);
});
