import { expect, test } from 'vitest';
import { ConflictVote } from '../../../../agent/gossip/serf/conflict.ts';
import { Serf } from '../../../../agent/gossip/serf/serf.ts';
import type { SerfQuery } from '../../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../../proto/gossip/serf.ts';
import { aliveOf, stage } from '../stage.ts';

const rivalAlive = aliveOf('me', { host: 66, tags: { id: 'rival-id' } });

function make() {
  const scene = stage();
  const { keyring, meet, parts } = scene;
  for (const name of ['a', 'b', 'c', 'd']) meet(name);
  const ignore = () => {};
  const reports = {
    onChange: ignore,
    onUserEvent: ignore,
    onQuery: ignore,
    onKeysChanged: ignore,
    reconnect: ignore,
  };
  const serf = new Serf({ parts, keyring, reports });
  const log: string[] = [];
  const vote = new ConflictVote({
    parts,
    serf,
    reports: {
      onTaken: ({ name, address, id }) => log.push(`taken: ${name} ${address} ${id}`),
      onConflict: ({ address }) => log.push(`stays: ${address}`),
    },
  });
  const conflict = () => vote.onConflict(parts.self.record, rivalAlive);
  /** Members that know us at our address, and members that know the rival. */
  const answer = (forUs: number, forRival: number) => {
    const queued = parts.outbox.broadcasts.queries.size;
    expect(queued).toBe(1);
    const [bytes] = parts.outbox.broadcasts.take(1_000, 0);
    const query = decodeSerf(bytes!.subarray(1)).message as SerfQuery;
    const { addr: ours, port } = parts.self.record;
    for (let i = 0; i < forUs + forRival; i++) {
      const addr = i < forUs ? ours : rivalAlive.addr;
      const member = {
        name: 'me',
        addr,
        port,
        tags: new Map(),
        status: 1 as const,
        protocolMin: 1,
        protocolMax: 5,
        protocolCur: 2,
        delegateMin: 2,
        delegateMax: 5,
        delegateCur: 5,
      };
      const payload = encodeSerf({ type: 'serf.conflictResponse', member });
      const { id, ltime } = query;
      serf.receive(encodeSerf({ type: 'serf.queryResponse', id, ltime, from: `m${i}`, flags: 0, payload }));
    }
    scene.clock.runFor(10_000);
  };
  return { ...scene, conflict, answer, log, vote };
}

test('a newcomer that is outvoted goes', () => {
  const { answer, conflict, log, parts } = make();
  conflict();
  answer(1, 2);
  expect(log).toEqual(['taken: me 10.0.1.66:8301 rival-id']);
  expect(parts.counters.get('name_votes_lost')).toBe(1);
});

test('half of the votes is not enough, more than half is', () => {
  const half = make();
  half.conflict();
  half.answer(2, 2);
  expect(half.log[0]).toContain('taken');
  const more = make();
  more.conflict();
  more.answer(3, 2);
  expect(more.log).toEqual(['stays: 10.0.1.66:8301']);
});

test('an older member stays whatever the vote says, and says that something is wrong', () => {
  const { answer, clock, conflict, log } = make();
  clock.runFor(61_000);
  conflict();
  answer(0, 3);
  expect(log).toEqual(['stays: 10.0.1.66:8301']);
});

test('without a single answer nobody has lost', () => {
  const { answer, conflict, log } = make();
  conflict();
  answer(0, 0);
  expect(log).toEqual(['stays: 10.0.1.66:8301']);
});

test('a claim that goes on is voted on once a minute, a conflict between others never', () => {
  const { clock, conflict, meet, parts, vote } = make();
  vote.onConflict(meet('other'), rivalAlive);
  expect(parts.outbox.broadcasts.queries.size).toBe(0);
  conflict();
  conflict();
  expect(parts.outbox.broadcasts.queries.size).toBe(1);
  clock.runFor(60_000);
  conflict();
  expect(parts.outbox.broadcasts.queries.size).toBe(2);
});
