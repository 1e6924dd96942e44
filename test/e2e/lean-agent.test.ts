/** What a plain agent does not carry: the libraries that read configurations, check bodies of requests, and more. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManagedProcess } from '../../examples/demo/process.ts';
import { freePorts, program, until } from './agents.ts';

/** Notes every script of each main thread when its process ends. */
const witness = `
  const { isMainThread } = require('node:worker_threads');
  if (isMainThread) process.once('exit', () => {
    const urls = [];
    const session = new (require('node:inspector').Session)();
    session.connect();
    session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
    session.post('Debugger.enable');
    require('node:fs').writeFileSync(__dirname + '/scripts.' + process.pid, urls.join('\\n'));
  });`;

const target = createServer((_request, response) => response.end('well'));
let folder = '';
let agent: ManagedProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-lean-'));
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await agent?.kill();
  target.close();
  await rm(folder, { recursive: true, force: true });
});

test('a plain agent with checks has read its files and served requests, and holds nothing of what that took', async () => {
  const { port } = target.address() as AddressInfo;
  const ports = await freePorts();
  const checks = [
    { name: 'web', http: `http://127.0.0.1:${port}/`, interval: '1s' },
    { name: 'port', tcp: `127.0.0.1:${port}`, interval: '1s' },
    { name: 'job', ttl: '1h' },
  ];
  await writeFile(join(folder, 'witness.cjs'), witness);
  await writeFile(join(folder, 'checks.json'), JSON.stringify({ checks }));
  const [http, serf] = [`${ports.http}`, `${ports.serf}`];
  agent = new ManagedProcess(
    'lean',
    [
      ...[program, 'agent', '--node', 'lean', '--config', join(folder, 'checks.json')],
      ...[
        '--bind',
        '127.0.0.1',
        '--data-dir',
        join(folder, 'data'),
        '--http-port',
        http,
        '--serf-port',
        serf,
      ],
    ],
    { NODE_OPTIONS: `--require ${join(folder, 'witness.cjs')}` },
  );
  await until('the checks pass', async () => {
    const answer = await fetch(`http://127.0.0.1:${http}/v1/agent/checks`).catch(() => undefined);
    if (answer?.ok !== true) return false;
    const rows = (await answer.json()) as Record<string, { Status: string }>;
    return rows.web?.Status === 'passing' && rows.port?.Status === 'passing';
  });
  await agent.stop(30_000);

  const scripts = await readFile(join(folder, `scripts.${agent.pid}`), 'utf8');
  // The witness saw the other process too, which needed what this one has not.
  const all = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.startsWith('scripts.'))
      .map((name) => readFile(join(folder, name), 'utf8')),
  );
  expect(all.join('\n')).toContain('/node_modules/zod/');
  expect(scripts).toContain('/node_modules/fastify/');
  expect(scripts).toContain('/node_modules/undici/');
  const heavy = /\/node_modules\/(zod|yaml|ajv|execa|ws|prom-client|undici\/lib\/web)\//;
  expect(scripts.split('\n').filter((url) => heavy.test(url))).toEqual([]);
});
