/**
 * Servers are killed at random, also a majority of them at once, while writers write and a listener counts. Every write
 * carries an Idempotency-Key and is repeated, wherever, until somebody says that it is done. In the end nothing is lost,
 * nothing happened twice, and all servers hold the same log. `ROLLCALL_KILL_ROUNDS=200` kills for longer than two rounds.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../agent/client/index.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { SeededRandom } from '../sim/random.ts';
import { type TestAgent, until } from './agents.ts';
import { RaftStage } from './raft-stage.ts';

const rounds = Number(process.env.ROLLCALL_KILL_ROUNDS ?? 2);
const writers = 3;
/** For one round: an election, a restart and what comes in between, on a slow machine. */
const roundMsMax = 120_000;

test('servers are killed again and again; no write is lost or happens twice, and the listener misses nothing', {
  timeout: 240_000 + rounds * roundMsMax,
}, async () => {
  const seed = process.env.ROLLCALL_KILL_SEED ?? String(Date.now());
  console.log(`kill loop: ROLLCALL_KILL_SEED=${seed} ROLLCALL_KILL_ROUNDS=${rounds}`);
  const random = new SeededRandom(seed);
  const stage = await RaftStage.open(3);
  onTestFinished(() => stage.close());
  const anyServer = () => stage.servers[random.int(0, stage.servers.length)] as TestAgent;

  const done: string[] = [];
  let isOver = false;
  const writing = Array.from({ length: writers }, async (_, writer) => {
    for (let n = 1; !isOver; n++) {
      const tag = `writer-${writer}-${n}`;
      while ((await stage.write(anyServer(), tag)).status !== 200) await pause(50);
      done.push(tag);
    }
  });
  const heard: HealthEvent[] = [];
  const abort = new AbortController();
  const listening = (async () => {
    const client = connect(
      stage.servers.map(({ url }) => url),
      { retryMsMax: 500 },
    );
    for await (const event of client.events({ after: 0, signal: abort.signal })) heard.push(event);
  })();

  for (let round = 1; round <= rounds; round++) {
    const before = done.length;
    const leader = await stage.leaderAmong();
    const victims = stage.servers.filter((server) => server === leader || random.unit() < 0.4);
    await Promise.all(victims.map((server) => server.process.kill()));
    await pause(random.int(0, 1_500));
    for (const server of victims) server.restart();
    const enough = () => {
      for (const server of victims) if (lostItsPort(server)) server.restart();
      return done.length >= before + 2 * writers;
    };
    await until(`round ${round}: writes go on`, enough, roundMsMax).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await stage.told()}`);
    });
  }
  isOver = true;
  await Promise.all(writing);
  await stage.peace();
  const events = await stage.events(stage.servers[0]!);
  const last = events.at(-1)!.Offset;
  await until('the listener has come to the end', () => (heard.at(-1)?.Offset ?? 0) >= last);
  abort.abort();
  await listening;

  expect(heard.map(({ Offset }) => Offset)).toEqual(heard.map((_, at) => at + 1));
  expect(heard.slice(0, last)).toEqual(events);
  const counts = new Map<string, number>();
  for (const { Kind, Check } of events) {
    if (Kind === 'check.added' && Check.startsWith('writer-'))
      counts.set(Check, (counts.get(Check) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([...done].sort());
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
});

/** While it was down somebody else on this machine took one of its ports for a moment: no fault of a server. */
function lostItsPort({ process }: TestAgent): boolean {
  return !process.running && process.lines.some((line) => line.includes('cannot listen'));
}
