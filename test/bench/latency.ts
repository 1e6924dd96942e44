/**
 * From a check that fails to a listener that knows. Eight HTTP checks with an interval of one second run on a plain agent beside
 * three servers, all real processes; their target is here and turns bad at random moments. The clock runs from the first
 * bad answer that the target gives (so the wait for the next run is not in it) until the listener, which follows the event log
 * at a server that does not lead, has the event in hand. Consul 1.8 needed about 290 ms at the median on the machine where this
 * was first measured; it is not here to be asked again.
 *
 *     npm run build && node dist/test/bench/latency.js [failures of each check = 25]
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../agent/client/index.ts';
import { machineLine, median, quantile, ratioLine } from './figures.ts';
import { ServerFleet } from './server-fleet.ts';

const consulMs = 290;
const atMost = 0.25;
const checks = 8;
const patienceMs = 30_000;

const rounds = Number(process.argv[2] ?? 25);

/** What the checks look at: each path is well or not, and knows when it first said that it is not. */
class Target {
  readonly #bad = new Map<string, number | null>();
  readonly #server = createServer((request, response) => {
    const path = request.url ?? '';
    const since = this.#bad.get(path);
    response.statusCode = since === undefined ? 200 : 500;
    response.end(since === undefined ? 'well' : 'unwell');
    if (since === null) this.#bad.set(path, performance.now());
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  turnBad(path: string): void {
    this.#bad.set(path, null);
  }

  /** When the first bad answer left. */
  turnWell(path: string): number {
    const sinceMs = this.#bad.get(path);
    this.#bad.delete(path);
    if (typeof sinceMs !== 'number') throw new Error(`${path} has given no bad answer`);
    return sinceMs;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Follows the event log, and hands out when a check arrived at a status. */
class Listener {
  readonly #waiting = new Map<string, (atMs: number) => void>();
  readonly #abort = new AbortController();

  follow(url: string): void {
    void this.#read(url);
  }

  heard(check: string, status: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const impatient = setTimeout(() => reject(new Error(`${check} is not ${status}`)), patienceMs);
      this.#waiting.set(`${check} ${status}`, (atMs) => {
        clearTimeout(impatient);
        resolve(atMs);
      });
    });
  }

  stop(): void {
    this.#abort.abort();
  }

  async #read(url: string): Promise<void> {
    const events = connect(url).events({ kinds: ['check.changed'], signal: this.#abort.signal });
    for await (const event of events) {
      const atMs = performance.now();
      const key = `${event.Check} ${event.To}`;
      this.#waiting.get(key)?.(atMs);
      this.#waiting.delete(key);
    }
  }
}

const target = new Target();
const listener = new Listener();
const fleet = await ServerFleet.start(48, 3);
try {
  const agent = await fleet.startAgent('web-1');
  const leader = await fleet.leader();
  listener.follow(fleet.servers.find((server) => server !== leader)!.url);
  const url = await target.start();
  const failOften = async (check: string): Promise<number[]> => {
    const timesMs: number[] = [];
    const registered = listener.heard(check, 'passing');
    await agent.put('/v1/agent/check/register', { Name: check, HTTP: `${url}/${check}`, Interval: '1s' });
    await registered;
    for (let round = 0; round < rounds; round++) {
      await pause(Math.random() * 1_000);
      const critical = listener.heard(check, 'critical');
      target.turnBad(`/${check}`);
      const heardMs = await critical;
      const passing = listener.heard(check, 'passing');
      timesMs.push(heardMs - target.turnWell(`/${check}`));
      await passing;
    }
    return timesMs;
  };
  console.log(`${checks} checks, ${rounds} failures each; ${machineLine()}`);
  const all = await Promise.all(Array.from({ length: checks }, (_, number) => failOften(`check-${number}`)));
  const timesMs = all.flat();
  const [p50, p99, last] = [0.5, 0.99, 1].map((part) => quantile(timesMs, part).toFixed(1));
  console.log(
    `a bad answer → the listener has the event: p50 ${p50} ms, p99 ${p99} ms, slowest ${last} ms (${timesMs.length})`,
  );
  console.log(ratioLine("beside Consul's 290 ms of another day", median(timesMs), consulMs, atMost));
  console.log(machineLine());
} finally {
  listener.stop();
  target.stop();
  await fleet.stop();
}
