/**
 * Servers, agents and connections are ended at random while checks change and somebody listens in every form that there
 * is. In the end everything that an agent took must be in the log, once, and every listener must have heard the log.
 * `ROLLCALL_CHAOS_SECONDS=300` goes on for that long.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { type TestAgent, TestFleet, until } from '../agents.ts';
import { Driver, lostOf } from './driver.ts';
import {
  FilteredListener,
  type Listener,
  NamedListener,
  PollListener,
  SocketListener,
  SseListener,
  TypedListener,
} from './listeners.ts';
import { Relay } from './relay.ts';
import { compare, faultsOf, missedOf } from './verdict.ts';

const chaosMs = Number(process.env.ROLLCALL_CHAOS_SECONDS ?? 4) * 1_000;
const checksPerAgent = 3;
const changeEveryMs = 150;
const patienceMs = 120_000;

let fleet: TestFleet;
const relays: Relay[] = [];
const listeners: Listener[] = [];
const drivers: Driver[] = [];

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(async () => {
  await Promise.all(drivers.map((driver) => driver.stop()));
  await Promise.all(listeners.map((listener) => listener.stop()));
  for (const relay of relays) relay.stop();
  await fleet.stop();
});

const seconds = (from: number, to: number) => (from + Math.random() * (to - from)) * 1_000;
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

/** One blow at a time, so that there is a majority most of the time, and sometimes none. */
async function strike(servers: readonly TestAgent[]): Promise<string> {
  const server = oneOf(servers);
  const blow = Math.random();
  if (blow < 0.35) {
    await server.process.kill();
    await pause(seconds(0.2, 2));
    server.restart();
    return `killed ${server.name}`;
  }
  if (blow < 0.5) {
    server.process.signal('SIGSTOP');
    await pause(seconds(0.5, 3));
    server.process.signal('SIGCONT');
    return `stopped ${server.name} for a while`;
  }
  if (blow < 0.65) {
    const driver = oneOf(drivers);
    await driver.killAgent(seconds(0.1, 1));
    return `killed ${driver.agent.name}`;
  }
  for (const relay of relays) relay.cut();
  return 'cut the connections';
}

/** The whole log; undefined as long as the servers have not settled. */
async function readLog(agent: TestAgent): Promise<HealthEvent[] | undefined> {
  const log: HealthEvent[] = [];
  for (;;) {
    const page = await agent.get<HealthEvent[]>(`/v1/events?after=${log.length}`);
    if (page === undefined) return undefined;
    if (page.length === 0) return log;
    log.push(...page);
  }
}

test(
  'whatever ends, nobody misses, doubles or mistakes anything',
  async () => {
    const servers = await fleet.startServers(3);
    const join = servers.flatMap(({ gossip }) => ['--join', gossip]);
    for (const name of ['web-1', 'web-2']) {
      const driver = new Driver(await fleet.start(name, join), checksPerAgent, changeEveryMs);
      await until(`${name} answers`, () => driver.agent.get('/v1/status/leader'));
      await driver.start();
      drivers.push(driver);
    }
    const ports = fleet.agents.map((agent) => agent.ports.http);
    const kinds = {
      TypedListener,
      PollListener,
      SseListener,
      SocketListener,
      FilteredListener,
      NamedListener,
    };
    for (const [name, kind] of Object.entries(kinds)) {
      const relay = await Relay.start(ports);
      relays.push(relay);
      listeners.push(new kind(name, relay.address));
    }
    for (const listener of listeners) listener.start();
    await until('everybody listens', () => listeners.every(({ reached }) => reached > 0), patienceMs);

    const blows: string[] = [];
    const endMs = performance.now() + chaosMs;
    while (performance.now() < endMs) {
      blows.push(await strike(servers));
      await pause(seconds(0.1, 1));
    }
    await Promise.all(drivers.map((driver) => driver.stop()));

    const story = blows.join(', ');
    await until(
      'all journals are empty',
      async () => {
        const infos = await Promise.all(
          fleet.agents.map((agent) => agent.get<{ Journal: { Unconfirmed: number } }>('/v1/agent/info')),
        );
        return infos.every((info) => info?.Journal.Unconfirmed === 0);
      },
      patienceMs,
    );
    const last = await until(
      'all servers have the same end',
      async () => {
        const logs = await Promise.all(servers.map(readLog));
        const lengths = new Set(logs.map((log) => log?.length));
        return lengths.size === 1 && logs[0]?.length;
      },
      patienceMs,
    );
    // A last event, so that whoever still is behind has something to wait for; filters let it pass.
    await until('one more change', async () => {
      const { agent } = drivers[0]!;
      await agent.fetch('PUT', '/v1/agent/check/warn/check-0?note=end').catch(() => undefined);
      return ((await readLog(agent))?.length ?? 0) > last;
    });
    const logs = await Promise.all(
      servers.map((server) => until('the log', () => readLog(server), patienceMs)),
    );
    const [log] = logs as [HealthEvent[]];
    await until(
      `everybody has heard event ${log.length}: ${listeners.map(({ name, reached }) => `${name} ${reached}`)}`,
      () => listeners.every(({ reached }) => reached >= log.length),
      patienceMs,
    );

    expect(faultsOf(log), story).toEqual([]);
    for (const other of logs) expect(compare(other.slice(0, log.length), log), story).toBe('');
    const outputs = log.filter(({ Output }) => Output.startsWith('#')).map(({ Output }) => Output);
    expect(new Set(outputs).size, `${story}: nothing twice`).toBe(outputs.length);
    for (const { episodes } of drivers) expect(lostOf(episodes, new Set(outputs)), story).toEqual([]);
    for (const listener of listeners) {
      const { name, heard, complaints } = listener;
      const said = `${name}: ${story}`;
      expect(complaints, said).toEqual([]);
      if (listener instanceof NamedListener) {
        expect(missedOf(heard, log, heard[0]!.Offset), said).toEqual([]);
      } else if (listener instanceof FilteredListener) {
        const wanted = log.filter(({ Kind }) => Kind === 'check.changed');
        expect(compare(heard.slice(0, wanted.length), wanted), said).toBe('');
      } else expect(compare(heard.slice(0, log.length), log), said).toBe('');
    }
    console.log(`${blows.length} blows, ${log.length} events, ${outputs.length} changes of checks`);
  },
  chaosMs + 600_000,
);
