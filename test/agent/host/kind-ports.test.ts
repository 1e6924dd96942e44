import { expect, test } from 'vitest';
import { hostKindPorts } from '../../../agent/host/kind-ports.ts';

test('every kind finds what it needs on this host', async () => {
  const ports = hostKindPorts('test');
  expect(ports.facts.load().cpus).toBeGreaterThan(0);
  const context = {
    checkId: 'c',
    timeoutMs: 5_000,
    outputBytesMax: 100,
    signal: new AbortController().signal,
  };
  const run = await ports.sandbox.run({ args: ['/bin/echo', 'hello'], cwd: '/' }, context);
  expect(run).toMatchObject({ ok: true, result: { exitCode: 0 } });
  await ports.sandbox.stop();
});
