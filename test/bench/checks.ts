/**
 * What checks cost: a thousand HTTP checks and two hundred scripts, each every ten seconds, against a bare loop
 * of the same library that sends the same requests (each over a connection of its own, as a check wants to know whether the
 * server still takes any) and starts the same commands at the same pace: in the check runner alone, and in a whole agent
 * with its gossip, journal and API. What requests over kept connections would cost stands beside it. Every measurement is a process of its own, all of a kind at the
 * same time; `node dist/test/bench/checks.js [seconds]` prints the figures and fails when one is beyond its limit.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostClock } from '../../agent/host/clock.ts';
import { hostControlGroup } from '../../agent/host/control-group.ts';
import { hostDialer } from '../../agent/host/dialer.ts';
import { hostFacts } from '../../agent/host/facts.ts';
import { hostHttp } from '../../agent/host/http.ts';
import { hostHttp2 } from '../../agent/host/http2.ts';
import { hostLookup } from '../../agent/host/lookup.ts';
import { hostProcesses } from '../../agent/host/processes.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { hostResolver } from '../../agent/host/resolver.ts';
import { hostSpawner } from '../../agent/host/spawner.ts';
import { checkKinds } from '../../checks/kinds/index.ts';
import { CheckRunner } from '../../checks/runner.ts';
import { Sandbox } from '../../checks/sandbox.ts';
import { type CheckDefinition, parseCheckDefinition } from '../../proto/schema/definitions.ts';
import { freePorts } from '../e2e/agents.ts';
import { cpuMs, rssMiB } from './figures.ts';
import { Program } from './program.ts';

const intervalMs = 10_000;
/** Code that runs a hundred times a second is compiled by then. */
const warmUpMs = 30_000;
const httpChecks = 1_000;
const scriptChecks = 200;
const command = ['/bin/true'];

interface Measured {
  readonly runs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly startDelayP99Ms: number;
}

/** CPU of this process, without that of the commands it starts, from the end of the warm-up on. */
async function measure(seconds: number, delays: readonly number[], runs: () => number): Promise<Measured> {
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const cpu = process.cpuUsage();
  const [runsBefore, delaysBefore] = [runs(), delays.length];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const { user, system } = process.cpuUsage(cpu);
  const sorted = delays.slice(delaysBefore).toSorted((a, b) => a - b);
  return {
    runs: runs() - runsBefore,
    cpuMs: (user + system) / 1_000,
    rssMiB: process.memoryUsage.rss() / 1_048_576,
    startDelayP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

async function bareLoop(count: number, seconds: number, once: () => Promise<unknown>): Promise<Measured> {
  let runs = 0;
  for (let i = 0; i < count; i++) {
    setTimeout(
      () => {
        const run = () => void once().then(() => runs++);
        run();
        setInterval(run, intervalMs);
      },
      (intervalMs / count) * i,
    );
  }
  return measure(seconds, [], () => runs);
}

async function bareHttp(seconds: number, url: string, reset: boolean): Promise<Measured> {
  const { request } = await import('undici');
  const headers = { 'user-agent': 'Consul Health Check', accept: 'text/plain, text/*, */*' };
  return bareLoop(httpChecks, seconds, async () => (await request(url, { headers, reset })).body.text());
}

async function bareScripts(seconds: number): Promise<Measured> {
  const { execa } = await import('execa');
  return bareLoop(scriptChecks, seconds, () => execa(command[0]!, command.slice(1)));
}

function definition(id: string, keys: object): CheckDefinition {
  const parsed = parseCheckDefinition({ name: id, interval: '10s', ...keys });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

async function runnerWith(count: number, seconds: number, keys: object): Promise<Measured> {
  const clock = hostClock();
  const processes = hostProcesses();
  const facts = hostFacts(processes);
  const lookup = hostLookup();
  const sandbox = new Sandbox({
    spawner: hostSpawner(),
    facts,
    processes,
    group: hostControlGroup(`bench-${process.pid}`),
    clock,
    random: hostRandom(),
    owner: `bench-${process.pid}`,
    environment: process.env,
    uid: process.getuid?.() ?? 0,
    isInit: false,
  });
  const kinds = checkKinds({
    clock,
    sandbox,
    facts,
    http: hostHttp(lookup),
    http2: hostHttp2(lookup),
    dialer: hostDialer(lookup),
    resolver: hostResolver(),
    aliases: { checksOf: async () => [] },
    leaderClock: { offsetMs: async () => 0 },
    dockerSocket: '',
  });
  const delays: number[] = [];
  const onRun = ({ startDelayMs }: { startDelayMs: number }) => void delays.push(startDelayMs);
  const runner = new CheckRunner({ node: 'bench', clock, kinds, onChange: () => {}, onRun });
  for (let i = 0; i < count; i++) runner.put(definition(`check-${i}`, keys));
  const measured = await measure(seconds, delays, () => delays.length);
  await runner.stop();
  await sandbox.stop();
  return measured;
}

/** A whole agent, looked at from outside: how late a run starts only the runner itself can tell. */
async function agentWith(count: number, seconds: number, keys: object): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const checks = Array.from({ length: count }, (_, i) => ({ name: `check-${i}`, interval: '10s', ...keys }));
  const config = join(folder, 'checks.json');
  await writeFile(config, JSON.stringify({ checks, enable_local_script_checks: true }));
  const main = fileURLToPath(new URL('../../agent/cli/main.js', import.meta.url));
  const { http, serf, server } = await freePorts();
  const agent = new Program(process.execPath, [
    ...[main, 'agent', '--node', 'bench', '--bind', '127.0.0.1', '--data-dir', join(folder, 'data')],
    ...['--http-port', `${http}`, '--serf-port', `${serf}`, '--server-port', `${server}`, '--config', config],
  ]);
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const before = cpuMs(agent.pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const measured = {
    runs: (count * seconds * 1_000) / intervalMs,
    cpuMs: cpuMs(agent.pid) - before,
    rssMiB: rssMiB(agent.pid),
    startDelayP99Ms: 0,
  };
  await agent.stop();
  await rm(folder, { recursive: true });
  return measured;
}

async function serve(): Promise<never> {
  const server = http.createServer((_request, response) => response.end('well'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send!((server.address() as AddressInfo).port);
  return new Promise(() => {});
}

/** One measurement in a process of its own. */
async function inChild<Answer>(...args: string[]): Promise<{ answer: Answer; end: () => void }> {
  const child = fork(fileURLToPath(import.meta.url), args);
  const [answer] = (await once(child, 'message')) as [Answer];
  return { answer, end: () => child.kill() };
}

async function compare(what: string, seconds: number, limit: number, ...args: string[]): Promise<boolean> {
  const beside = what === 'http' ? ['kept-http'] : [];
  const [bare, runner, agent, kept] = await Promise.all(
    [`bare-${what}`, what, `agent-${what}`, ...beside].map(async (name) => {
      const { answer, end } = await inChild<Measured>(name, String(seconds), ...args);
      end();
      return answer;
    }),
  );
  const perRun = (measured: Measured) => (measured.cpuMs / measured.runs) * 1_000;
  const line = (name: string, measured: Measured) =>
    `${name.padEnd(24)}${measured.runs} runs, ${perRun(measured).toFixed(0)} µs CPU a run, RSS ${measured.rssMiB.toFixed(0)} MiB, ` +
    `start delay p99 ${measured.startDelayP99Ms.toFixed(1)} ms`;
  console.log(line(`bare ${what}`, bare!));
  if (kept !== undefined) console.log(line('bare, kept connections', kept));
  let good = true;
  for (const [name, ours] of [
    [what, runner!],
    [`${what}, a whole agent`, agent!],
  ] as const) {
    const ratio = perRun(ours) / perRun(bare!);
    const within = ratio <= limit && ours.startDelayP99Ms < 150 && ours.rssMiB < 160;
    console.log(line(name, ours));
    console.log(
      `${name}: ${ratio.toFixed(2)}× of the bare loop, at most ${limit}× → ${within ? 'ok' : 'BEYOND ITS LIMIT'}`,
    );
    good &&= within;
  }
  return good;
}

async function main([what = '20', seconds = '20', url = '']: string[]): Promise<void> {
  switch (what) {
    case 'server':
      return serve();
    case 'bare-http':
      return void process.send!(await bareHttp(Number(seconds), url, true));
    case 'kept-http':
      return void process.send!(await bareHttp(Number(seconds), url, false));
    case 'http':
      return void process.send!(await runnerWith(httpChecks, Number(seconds), { http: url }));
    case 'agent-http':
      return void process.send!(await agentWith(httpChecks, Number(seconds), { http: url }));
    case 'agent-scripts':
      return void process.send!(await agentWith(scriptChecks, Number(seconds), { args: command }));
    case 'bare-scripts':
      return void process.send!(await bareScripts(Number(seconds)));
    case 'scripts':
      return void process.send!(await runnerWith(scriptChecks, Number(seconds), { args: command }));
  }
  const server = await inChild<number>('server');
  const good = [
    await compare('http', Number(what), 1.5, `http://127.0.0.1:${server.answer}/`),
    await compare('scripts', Number(what), 1.3),
  ];
  server.end();
  process.exitCode = good.every(Boolean) ? 0 : 1;
}

await main(process.argv.slice(2));
