/**
 * Real services of Debian, stopped and started by their process number under a real agent, and Debian's Nagios plugins as
 * its scripts.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { TestFleet, until } from '../e2e/agents.ts';
import { describeWithPeers, findProgram } from '../peers.ts';
import { freePort } from '../ports.ts';

let fleet: TestFleet;
let folder: string;
const children: ResultPromise[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-services-'));
  fleet = await TestFleet.create();
});

afterEach(async () => {
  for (const child of children.splice(0)) await stop(child);
});

afterAll(async () => {
  await fleet.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(program: string, ...args: string[]): ResultPromise {
  const child = execa(program, args, { stdio: 'ignore', reject: false });
  children.push(child);
  return child;
}

async function stop(child: ResultPromise): Promise<void> {
  child.kill('SIGKILL');
  await child;
}

/** An agent with these checks, each every second; answers how each of them is. */
async function agentWith(name: string, checks: readonly object[]) {
  const file = join(folder, `${name}.json`);
  const every1s = checks.map((check) => ({ interval: '1s', timeout: '10s', ...check }));
  await writeFile(file, JSON.stringify({ enable_local_script_checks: true, checks: every1s }));
  const agent = await fleet.start(name, ['--config', file]);
  return async (): Promise<string> => {
    const all = await agent.get<Record<string, { Status: string }>>('/v1/agent/checks');
    return Object.entries(all ?? {})
      .map(([id, { Status }]) => `${id} ${Status}`)
      .sort()
      .join(', ');
  };
}

describeWithPeers('nginx under an agent', ['nginx', 'check_http'], () => {
  test('is seen to go and to come back, by a request, a connection and a plugin', async () => {
    const port = await freePort('127.0.0.1');
    const config = join(folder, 'nginx.conf');
    await mkdir(join(folder, 'logs'), { recursive: true });
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((what) => `${what}_temp_path ${folder}/${what};`)
      .join(' ');
    await writeFile(
      config,
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
       events {} http { access_log off; ${paths} server { listen 127.0.0.1:${port}; return 200 "well\\n"; } }`,
    );
    const run = () => start(findProgram('nginx')!, '-c', config, '-p', folder);
    const plugin = findProgram('check_http')!;
    const checks = [
      { id: 'http', name: 'http', http: `http://127.0.0.1:${port}/`, assert: { body: 'well' } },
      { id: 'tcp', name: 'tcp', tcp: `127.0.0.1:${port}` },
      { id: 'plugin', name: 'plugin', args: [plugin, '-H', '127.0.0.1', '-p', `${port}`] },
    ];
    const ids = checks.map(({ id }) => id).sort();
    const all = (status: string) => ids.map((id) => `${id} ${status}`).join(', ');
    const server = run();
    const seen = await agentWith('beside-nginx', checks);
    await until('all is well', async () => (await seen()) === all('passing'));
    await stop(server);
    await until('all is lost', async () => (await seen()) === all('critical'));
    void run();
    await until('all is well again', async () => (await seen()) === all('passing'));
  });
});

describeWithPeers('redis under an agent', ['redis-server', 'redis-cli'], () => {
  test('hangs: who connects is let in, and who asks hears nothing', async () => {
    const port = await freePort('127.0.0.1');
    const server = start(
      findProgram('redis-server')!,
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
    );
    const ask = [findProgram('redis-cli')!, '-p', `${port}`, 'ping'];
    const seen = await agentWith('beside-redis', [
      { id: 'ping', name: 'ping', args: ask, timeout: '3s', kill_after: '1s' },
      { id: 'tcp', name: 'tcp', tcp: `127.0.0.1:${port}` },
    ]);
    await until('it is well', async () => (await seen()) === 'ping passing, tcp passing');
    server.kill('SIGSTOP');
    await until('only the script sees it', async () => (await seen()) === 'ping critical, tcp passing');
    server.kill('SIGCONT');
    await until('it is well again', async () => (await seen()) === 'ping passing, tcp passing');
    await stop(server);
    // A refused connection is exit code 1 of this program, and that is Nagios' word for a warning.
    await until('both see that it is gone', async () => (await seen()) === 'ping warning, tcp critical');
  });
});
