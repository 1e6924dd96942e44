/** A script that tries everything to outlive its run, on a host with control groups: session, parent and marks are gone. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nap, pidsWith } from '../checks/real-host.ts';
import { hasControlGroups } from '../control-group.ts';
import { run, TestFleet, until } from './agents.ts';

const real = await hasControlGroups('escapes from control groups');
let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

async function definition(sleep: string): Promise<string> {
  const file = join(fleet.folder, 'checks.yaml');
  const inner = `echo 0 >/proc/self/oom_score_adj; exec sleep ${sleep}`;
  const script = `env -i setsid sh -c '${inner}' >/dev/null 2>&1 </dev/null & sleep 0.1; echo done`;
  const check = { id: 'flight', name: 'flight', args: ['/bin/sh', '-c', script], interval: '1h' };
  await writeFile(file, JSON.stringify({ enable_local_script_checks: true, checks: [check] }));
  return file;
}

test.runIf(real)('a check that is tried leaves nothing', async () => {
  const sleep = nap();
  const { exitCode, lines } = await run('check', 'test', await definition(sleep));
  expect([exitCode, lines.join('\n')]).toEqual([0, expect.stringMatching(/done/)]);
  expect(pidsWith(sleep)).toEqual([]);
});

test.runIf(real)('what an agent left behind when it was killed ends with its next start', async () => {
  const sleep = nap();
  const agent = await fleet.start('web', ['--config', await definition(sleep)]);
  await until('it has fled', () => pidsWith(sleep).length === 1);
  const [fled] = pidsWith(sleep);
  await agent.process.kill();
  expect(pidsWith(sleep)).toEqual([fled]);
  agent.restart();
  await until('it is ended', () => !pidsWith(sleep).includes(fled!));
  await until('it is up', () => agent.get('/v1/agent/self'));
  agent.process.signal('SIGTERM');
  expect(await agent.process.ended).toBe(0);
  expect(pidsWith(sleep)).toEqual([]);
});
