/**
 * Everything that scripts and servers can do to an agent, on real processes and sockets. After each: no
 * process, no descriptor left behind, and the other checks on time. `ROLLCALL_TORTURE_MINUTES=10` goes round
 * for that long and also looks at the memory.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostClock } from '../../agent/host/clock.ts';
import { hostDialer } from '../../agent/host/dialer.ts';
import { hostFacts } from '../../agent/host/facts.ts';
import { hostHttp } from '../../agent/host/http.ts';
import { hostHttp2 } from '../../agent/host/http2.ts';
import { hostLookup } from '../../agent/host/lookup.ts';
import { hostProcesses } from '../../agent/host/processes.ts';
import { hostResolver } from '../../agent/host/resolver.ts';
import { checkKinds } from '../../checks/kinds/index.ts';
import { CheckRunner } from '../../checks/runner.ts';
import type { RunReport } from '../../checks/view.ts';
import {
  closedPort,
  closeServers,
  httpServer,
  httpsServer,
  tcpServer,
  udpServer,
} from '../agent/host/servers.ts';
import { define } from '../checks/fakes.ts';
import { nap, openFiles, pidsWith, realSandbox, until } from '../checks/real-host.ts';
import { type Monster, monsters } from './monsters.ts';

const lookup = hostLookup();
const clock = hostClock();
const { sandbox } = realSandbox();
const reports: RunReport[] = [];
const runner = new CheckRunner({
  node: 'torture',
  clock,
  kinds: checkKinds({
    clock,
    sandbox,
    http: hostHttp(lookup),
    http2: hostHttp2(lookup),
    dialer: hostDialer(lookup),
    resolver: hostResolver(),
    facts: hostFacts(hostProcesses()),
    aliases: { checksOf: async () => [] },
    leaderClock: { offsetMs: async () => 0 },
    dockerSocket: '/var/run/docker.sock',
  }),
  onChange: () => {},
  onRun: (report) => reports.push(report),
});

/** Checks of a healthy service, which must not notice anything. */
const witnesses = 5;

beforeAll(async () => {
  const port = await httpServer((_request, response) => response.end('well'));
  for (let i = 0; i < witnesses; i++) {
    runner.put(define({ id: `witness-${i}`, http: `http://127.0.0.1:${port}/`, interval: '1s' }));
  }
  // Modules are loaded, pools are warm: from here on every descriptor counts.
  await run('warm', { args: ['/bin/true'] });
  await until(
    () => reports.filter(({ definition }) => definition.id.startsWith('witness')).length >= witnesses,
  );
});

afterAll(async () => {
  await runner.stop();
  await sandbox.stop();
  closeServers();
});

/** One run of a check with these keys, by the same runner as all others. */
async function run(id: string, keys: object) {
  runner.put(define({ id, interval: '1h', timeout: '10s', ...keys }));
  const outcome = await runner.runNow(id);
  runner.remove(id);
  return outcome!;
}

async function nothingIsLeft(descriptors: number, sleep: string): Promise<void> {
  await sandbox.sweep();
  await until(() => pidsWith(sleep).length === 0);
  await until(() => openFiles() <= descriptors);
}

test.each(monsters.map((monster) => [monster.name, monster] as const))(
  'a script with %s',
  async (_name, monster) => {
    const sleep = nap();
    const descriptors = openFiles() + witnesses;
    const outcome = await run('monster', keysOf(monster, sleep));
    expect(outcome).toMatchObject({ status: monster.status, output: expect.stringMatching(monster.output) });
    expect(outcome.output.length).toBeLessThan(4_500);
    await nothingIsLeft(descriptors, sleep);
  },
);

test('a script that is replaced while it runs ends as it began, and the new one runs next', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-torture-'));
  const file = path.join(folder, 'check.sh');
  const write = (target: string, text: string) => {
    writeFileSync(target, `#!/bin/sh\n${text}\n`);
    chmodSync(target, 0o755);
  };
  write(file, 'sleep 0.1; echo old; exit 0');
  const first = run('replaced', { args: [file] });
  await new Promise((resolve) => setTimeout(resolve, 40));
  write(`${file}.new`, 'echo new; exit 2');
  renameSync(`${file}.new`, file);
  expect(await first).toMatchObject({ status: 'passing', output: 'old\n' });
  expect(await run('replaced', { args: [file] })).toMatchObject({ status: 'critical', output: 'new\n' });
  rmSync(folder, { recursive: true });
});

function keysOf(monster: Monster, sleep: string): object {
  return {
    args: ['/bin/sh', '-c', monster.script(sleep)],
    timeout: monster.hangs ? '300ms' : '10s',
    kill_after: '100ms',
    ...monster.keys,
  };
}

/** Servers that misbehave, by the keys of the check that asks them. */
const servers: ReadonlyArray<readonly [name: string, keys: () => Promise<object>]> = [
  [
    'drips',
    async () =>
      url(
        await httpServer((_request, response) => {
          const timer = setInterval(() => response.write('x'), 20);
          response.once('close', () => clearInterval(timer));
        }),
        '1s',
      ),
  ],
  [
    'redirects in a ring',
    async () =>
      url(await httpServer((_request, response) => response.writeHead(302, { Location: '/' }).end())),
  ],
  [
    'closes early',
    async () =>
      url(
        await tcpServer((socket) =>
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf')),
        ),
      ),
  ],
  ['never answers', async () => url(await tcpServer(), '1s')],
  ['is not there', async () => url(await closedPort())],
  [
    'presents a certificate that is over',
    async () => ({ http: `https://localhost:${await httpsServer('expired', () => {})}/` }),
  ],
  [
    'presents the certificate of somebody else',
    async () => ({ http: `https://localhost:${await httpsServer('other', () => {})}/` }),
  ],
  [
    'takes the connection and says nothing of TLS',
    async () => ({ http: `https://127.0.0.1:${await tcpServer()}/`, timeout: '1s' }),
  ],
  [
    'hangs as a name server',
    async () => ({ dns: 'web.test', dns_server: `127.0.0.1:${await udpServer(null)}`, timeout: '1s' }),
  ],
];

/** `timeout` for those that would take all of it. */
function url(port: number, timeout = '10s'): object {
  return { http: `http://127.0.0.1:${port}/`, timeout };
}

test.each(servers)('a server that %s', async (_name, keys) => {
  const asked = await keys();
  const descriptors = openFiles() + witnesses;
  expect(await run('server', asked)).toMatchObject({
    status: 'critical',
    output: expect.stringMatching(/./),
  });
  await nothingIsLeft(descriptors, 'no such sleep');
});

test('a server that sends a gigabyte', async () => {
  let sent = 0;
  const port = await httpServer((_request, response) => {
    const chunk = Buffer.alloc(1_048_576, 'x');
    const pump = () => {
      while (sent < 1_024 && response.write(chunk)) sent++;
    };
    response.on('drain', pump);
    pump();
  });
  const descriptors = openFiles() + witnesses;
  const outcome = await run('gigabyte', { http: `http://127.0.0.1:${port}/` });
  expect(outcome.status).toBe('passing');
  expect(outcome.output.length).toBeLessThan(4_300);
  expect(sent).toBeLessThan(100);
  await nothingIsLeft(descriptors, 'no such sleep');
});

function expectWitnessesOnTime(): void {
  const started = reports.filter(({ definition }) => definition.id.startsWith('witness'));
  expect(started.every(({ outcome }) => outcome.status === 'passing')).toBe(true);
  const views = runner.views().filter(({ definition }) => definition.id.startsWith('witness'));
  expect(views.map(({ status }) => status)).toEqual(Array(witnesses).fill('passing'));
  // On time is: hardly a point of the grid was skipped. A machine that was itself away for a moment may cost one.
  const late = started.filter(({ startDelayMs }) => startDelayMs >= 500);
  expect(late.length).toBeLessThanOrEqual(started.length / 10);
}

test('meanwhile every witness was asked second by second and saw nothing', () => {
  expectWitnessesOnTime();
});

const minutes = Number(process.env.ROLLCALL_TORTURE_MINUTES ?? 0);

test.runIf(minutes > 0)(
  `for ${minutes} minutes, round after round, memory and descriptors stay flat`,
  async () => {
    const asked = await Promise.all(servers.map(([, keys]) => keys()));
    const round = () =>
      Promise.all([
        ...monsters.map((monster, index) => run(`monster-${index}`, keysOf(monster, nap()))),
        ...asked.map((keys, index) => run(`server-${index}`, { ...keys, timeout: '300ms' })),
      ]);
    const end = Date.now() + minutes * 60_000;
    const warmEnd = Date.now() + Math.min(60_000, minutes * 15_000);
    while (Date.now() < warmEnd) await round();
    const before = { rss: process.memoryUsage.rss(), files: openFiles() };
    reports.length = 0;
    while (Date.now() < end) {
      await round();
      // What happened to the witnesses is judged minute by minute: a round alone has too few of their runs.
      if (reports.length < 60 * (witnesses + monsters.length + servers.length)) continue;
      expectWitnessesOnTime();
      reports.length = 0;
    }
    await sandbox.sweep();
    console.log(
      `rss ${before.rss} → ${process.memoryUsage.rss()}, descriptors ${before.files} → ${openFiles()}`,
    );
    expect(process.memoryUsage.rss()).toBeLessThan(before.rss * 1.1 + 16_777_216);
    expect(openFiles()).toBeLessThanOrEqual(before.files + 2 * witnesses);
  },
  (minutes + 2) * 60_000,
);
