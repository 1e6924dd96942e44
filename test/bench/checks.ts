/**
 * What checks cost: a thousand HTTP checks and two hundred scripts, each every ten seconds, against a bare loop
 * of the same library that sends the same requests and starts the same commands at the same pace. Every
 * measurement is a process of its own; `node dist/test/bench/checks.js [seconds]` prints the figures and fails when one is
 * beyond its limit.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
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

const intervalMs = 10_000;
const warmUpMs = 12_000;
const httpChecks = 1_000;
const scriptChecks = 200;
const command = ['/bin/true'];

interface Measured {
  readonly runs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly startDelayP99Ms: number;
  readonly loopDelayP99Ms: number;
}

/** CPU of this process and of the children it has waited for, from the end of the warm-up on. */
async function measure(seconds: number, delays: readonly number[], runs: () => number): Promise<Measured> {
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
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
    loopDelayP99Ms: loop.percentile(99) / 1e6,
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

async function bareHttp(seconds: number, url: string): Promise<Measured> {
  const { request } = await import('undici');
  return bareLoop(httpChecks, seconds, async () => (await request(url)).body.text());
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
  const [bare, ours] = await Promise.all(
    [`bare-${what}`, what].map(async (name) => {
      const { answer, end } = await inChild<Measured>(name, String(seconds), ...args);
      end();
      return answer;
    }),
  );
  const perRun = (measured: Measured) => (measured.cpuMs / measured.runs) * 1_000;
  const ratio = perRun(ours!) / perRun(bare!);
  const line = (name: string, measured: Measured) =>
    `${name.padEnd(14)}${measured.runs} runs, ${perRun(measured).toFixed(0)} µs CPU a run, RSS ${measured.rssMiB.toFixed(0)} MiB, ` +
    `start delay p99 ${measured.startDelayP99Ms.toFixed(1)} ms, loop delay p99 ${measured.loopDelayP99Ms.toFixed(1)} ms`;
  console.log(line(`bare ${what}`, bare!));
  console.log(line(what, ours!));
  const good = ratio <= limit && ours!.startDelayP99Ms < 150 && ours!.rssMiB < 160;
  console.log(
    `${what}: ${ratio.toFixed(2)}× of the bare loop, at most ${limit}× → ${good ? 'ok' : 'BEYOND ITS LIMIT'}\n`,
  );
  return good;
}

async function main([what = '20', seconds = '20', url = '']: string[]): Promise<void> {
  switch (what) {
    case 'server':
      return serve();
    case 'bare-http':
      return void process.send!(await bareHttp(Number(seconds), url));
    case 'http':
      return void process.send!(await runnerWith(httpChecks, Number(seconds), { http: url }));
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
