import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { context, realSandbox, script, shell } from '../real-host.ts';

const { kind, sandbox } = realSandbox();
afterAll(() => sandbox.stop());

const run = (text: string, keys: object = {}, more: object = {}) =>
  kind.run(shell(text, keys), context(more));

test.each([
  ['echo out; exit 0', 'passing', 'out\n'],
  ['echo warned; exit 1', 'warning', 'warned\n'],
  ['echo broken; exit 2', 'critical', 'broken\n'],
  ['echo unknown; exit 3', 'critical', 'unknown\n'],
  ['exit 127', 'critical', ''],
  ['kill -9 $$', 'critical', 'Ended by SIGKILL'],
  ['true', 'passing', ''],
])('%s is %s', async (text, status, output) => {
  expect(await run(text)).toMatchObject({ status, output });
});

test('a missing program is critical in the words of Consul', async () => {
  expect(await kind.run(script(['/no/such/program']), context())).toEqual({
    status: 'critical',
    output: 'fork/exec /no/such/program: no such file or directory',
  });
});

test('a timeout is critical, with what was said until then', async () => {
  const outcome = await run('echo begin; sleep 5', {}, { timeoutMs: 150 });
  expect(outcome).toMatchObject({
    status: 'critical',
    output: 'Timed out (150ms) running check\n\nbegin\n',
    details: { timedOut: true },
  });
});

test('performance data become metrics', async () => {
  const outcome = await run("echo 'DISK OK | /=2643MB;5948;5958;0;5968'");
  expect(outcome.metrics).toMatchObject([{ name: '/', value: 2643, unit: 'MB' }]);
});

test('a file that others may write is not run', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-script-'));
  const file = path.join(folder, 'check.sh');
  writeFileSync(file, '#!/bin/sh\necho ran\n');
  chmodSync(file, 0o755);
  expect(await kind.run(script([file]), context())).toMatchObject({ status: 'passing', output: 'ran\n' });
  chmodSync(file, 0o777);
  expect(await kind.run(script([file]), context())).toMatchObject({
    status: 'critical',
    output: expect.stringMatching(/^refused to run .*check\.sh is writable by others \(mode 0777\)/),
  });
  rmSync(folder, { recursive: true });
});
