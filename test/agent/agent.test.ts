/** The agent as a whole: what its parts have to do with one another. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentStage } from './agent-stage.ts';

interface Check {
  readonly Status: string;
  readonly Output: string;
  readonly LastChange: string;
}

async function checks(stage: AgentStage): Promise<Record<string, Check>> {
  return (await stage.request('GET', '/v1/agent/checks')).json();
}

const base = `
enable_local_script_checks: true
check: {id: door, name: door, args: [/bin/true], interval: 1h}
`;

test('a reload changes what has changed and names what needs a restart', async () => {
  const stage = new AgentStage();
  stage.write(base);
  await stage.start();
  await expect.poll(async () => (await checks(stage)).door?.Status, { timeout: 10_000 }).toBe('passing');
  const before = (await checks(stage)).door;

  stage.write(`${base}checks: [{id: lamp, name: lamp, ttl: 1m}]\nlog_level: debug\ndatacenter: north\n`);
  const answer = await stage.request('PUT', '/v1/agent/reload');
  expect(answer.json()).toEqual({
    items: [{ item: 'check', id: 'lamp', change: 'added' }],
    live: ['log_level'],
    restart: ['datacenter'],
  });
  expect(await checks(stage)).toMatchObject({ door: before, lamp: { Status: 'critical' } });
});

test('broken files change nothing and are told in the answer, in the log and as a check, until a reload works', async () => {
  const stage = new AgentStage();
  stage.write(base);
  await stage.start();
  stage.write(base.replace('interval', 'intervall'));
  const refused = await stage.request('PUT', '/v1/agent/reload');
  expect(refused.status).toBe(500);
  expect(refused.text).toMatch(/agent\.yaml:3:\d+: error: .*interval/);
  expect(stage.lines.some((line) => line.includes('reload refused'))).toBe(true);
  const broken = await checks(stage);
  expect(Object.keys(broken).sort()).toEqual(['_agent_config', 'door']);
  expect(broken._agent_config).toMatchObject({ Status: 'critical' });
  expect(broken._agent_config!.Output).toContain('agent.yaml:3');

  stage.write(base);
  expect((await stage.request('PUT', '/v1/agent/reload')).json()).toMatchObject({ items: [] });
  expect((await checks(stage))._agent_config).toMatchObject({ Status: 'passing' });
});

test('with auto_reload_config a changed file is enough', async () => {
  const stage = new AgentStage();
  stage.write(`${base}auto_reload_config: true\n`);
  await stage.start();
  stage.write(`${base}auto_reload_config: true\nchecks: [{id: lamp, name: lamp, ttl: 1m}]\n`);
  await expect.poll(async () => Object.keys(await checks(stage)), { timeout: 15_000 }).toContain('lamp');
});

test('a reload sets the limits of outputs', async () => {
  const stage = new AgentStage();
  const script = 'check: {id: s, name: s, args: [/bin/echo, hello], interval: 1s}\n';
  stage.write(`enable_local_script_checks: true\n${script}`);
  await stage.start();
  await expect.poll(async () => (await checks(stage)).s?.Output, { timeout: 10_000 }).toContain('hello');
  stage.write(`enable_local_script_checks: true\ndiscard_check_output: true\n${script}`);
  await stage.request('PUT', '/v1/agent/reload');
  await expect.poll(async () => (await checks(stage)).s?.Output, { timeout: 10_000 }).toBe('');
});

test('what a crash left behind is ended before the first check runs, and nothing is left at the end', async () => {
  const stage = new AgentStage();
  stage.write(base);
  await stage.start();
  await stage.stop();
  const { nodeId } = JSON.parse(readFileSync(join(stage.folder, 'data', 'meta.json'), 'utf8'));
  const env = { ROLLCALL_RUN: `${nodeId}:0123456789ab:1` };
  const orphan = spawn('/bin/sleep', ['100'], { env, stdio: 'ignore', detached: true });
  const ended = once(orphan, 'exit');
  await once(orphan, 'spawn');
  await stage.start();
  expect((await ended)[1]).toBe('SIGKILL');
});
