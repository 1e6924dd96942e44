import { beforeEach, expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { Rpc, RpcPeer } from '../../proto/rpc.ts';
import type { Consensus } from '../../server/consensus.ts';
import { LeaderDoor, type LeaderWork } from '../../server/leader-door.ts';
import { VirtualClock } from '../sim/clock.ts';
import { until } from './cluster.ts';

const agent: RpcPeer = { nodeId: 'a', node: 'web-1', kind: 'agent', clusterId: '' };
const server: RpcPeer = { nodeId: 's2', node: 's2', kind: 'server', clusterId: '' };

let clock: VirtualClock;
let leader: string | null;
let halted: ExpectedError | null;
let attempts: string[];
/** What the next attempts come to; then they succeed. */
let failures: ExpectedError[];
let door: LeaderDoor;

beforeEach(() => {
  clock = new VirtualClock();
  leader = 's1';
  halted = null;
  attempts = [];
  failures = [];
  const replica = {
    get standing() {
      return { leader };
    },
    get halted() {
      return halted;
    },
    onStanding: () => () => {},
  };
  const consensus = () => ({ replica }) as unknown as Consensus;
  door = new LeaderDoor({ id: 's1', clock, consensus, rpc: () => ({}) as Rpc });
});

function attempt(where: string): Promise<string> {
  attempts.push(where);
  const failure = failures.shift();
  return failure === undefined ? Promise.resolve('done') : Promise.reject(failure);
}

function run(fields: Partial<LeaderWork<string>> = {}): Promise<string> {
  const work = {
    peer: agent,
    effect: 'each' as const,
    here: () => attempt('here'),
    there: () => attempt('there'),
  };
  return until({ settle: (ms) => clock.settleFor(ms) }, door.run({ ...work, ...fields }));
}

function fails(...codes: ConstructorParameters<typeof ExpectedError>[0][]): void {
  failures = codes.map((code) => new ExpectedError(code));
}

test('here when we lead, there when another does', async () => {
  expect(await run()).toBe('done');
  leader = 's2';
  expect(await run()).toBe('done');
  expect(attempts).toEqual(['here', 'there']);
});

test('what was passed on to us is passed on no further', async () => {
  leader = 's3';
  await expect(run({ peer: server })).rejects.toMatchObject({ code: 'NOT_LEADER', data: { leader: 's3' } });
  expect(attempts).toEqual([]);
  expect(clock.nowMs()).toBeLessThan(100);
});

test('no leader: held until there is one', async () => {
  leader = null;
  clock.after(3_000, () => {
    leader = 's2';
  });
  expect(await run()).toBe('done');
  expect(attempts).toEqual(['there']);
});

test('no leader for 7 s: that is the answer', async () => {
  leader = null;
  await expect(run()).rejects.toMatchObject({ code: 'NO_LEADER' });
  expect(clock.nowMs()).toBeGreaterThan(6_800);
  expect(clock.nowMs()).toBeLessThan(7_200);
});

test('surely not done is tried again; done or not only when it may be repeated', async () => {
  fails('NOT_LEADER', 'NOT_LEADER');
  expect(await run()).toBe('done');
  leader = 's2';
  fails('CONNECTION_LOST');
  await expect(run()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  fails('CONNECTION_LOST', 'OUTCOME_UNKNOWN', 'TIMEOUT');
  expect(await run({ effect: 'once' })).toBe('done');
});

test('once an attempt may have done it, no later refusal says that it was not done', async () => {
  fails('CONNECTION_LOST');
  clock.after(50, () => {
    leader = null;
  });
  await expect(run({ effect: 'once' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  leader = 's1';
  fails('TIMEOUT', 'BUSY');
  await expect(run({ effect: 'once' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  fails('TIMEOUT', 'NAME_TAKEN');
  await expect(run({ effect: 'once' })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
});

test('a read that never came through is no riddle: there was no leader', async () => {
  fails('CONNECTION_LOST');
  clock.after(50, () => {
    leader = null;
  });
  await expect(run({ effect: 'none' })).rejects.toMatchObject({ code: 'NO_LEADER' });
});

test('what the work refuses is refused at once', async () => {
  fails('NAME_TAKEN');
  await expect(run({ effect: 'once' })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
  expect(attempts).toHaveLength(1);
});

test('a server whose disk failed says so', async () => {
  halted = new ExpectedError('CANNOT_WRITE');
  await expect(run()).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
});

test('a leader whose disk failed wrote nothing: the request goes to the next one', async () => {
  leader = 's2';
  fails('CANNOT_WRITE', 'NO_LEADER');
  expect(await run()).toBe('done');
  expect(attempts).toEqual(['there', 'there', 'there']);
});
