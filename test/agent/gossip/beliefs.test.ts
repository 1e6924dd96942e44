import { expect, test } from 'vitest';
import { Beliefs } from '../../../agent/gossip/beliefs.ts';
import { OwnWord } from '../../../agent/gossip/own-word.ts';
import type { MemberRecord } from '../../../agent/gossip/records.ts';
import type { Suspicion } from '../../../agent/gossip/suspicion.ts';
import type { PushNodeState } from '../../../proto/gossip/messages.ts';
import { aliveOf, deadOf, type StageOptions, stage, suspectOf } from './stage.ts';

function make(options: StageOptions = {}) {
  const scene = stage(options);
  const { parts } = scene;
  const log: string[] = [];
  const timeUp: Suspicion[] = [];
  const name = (number: number) => parts.members.record(number).name;
  const onConflict = (existing: MemberRecord) => log.push(`conflict about ${existing.name}`);
  const beliefs = new Beliefs({
    parts,
    ownWord: new OwnWord(parts, { onSelf: () => log.push(`I am ${parts.self.incarnation}`), onConflict }),
    reports: {
      onFull: () => log.push('full'),
      onAlive: (number) => log.push(`${name(number)} is here`),
      onUpdated: (number) => log.push(`${name(number)} is another`),
      onSuspicion: (number) => log.push(`${name(number)} ${parts.members.belief(number)}`),
      onTimeUp: (suspicion) => timeUp.push(suspicion),
      onGone: (number, verdict) =>
        log.push(`${name(number)} ${parts.members.belief(number)} ${verdict?.reason ?? ''}`),
      onConflict,
    },
  });
  const stateOf = (node: string) => parts.members.belief(parts.records.numberOf(node) ?? -1);
  const told = () => {
    const peer = scene.meet('listener');
    while (parts.outbox.gossip(peer));
    const all = scene.take('listener');
    return [...new Map(all.map((message) => [JSON.stringify(message), message])).values()];
  };
  return { ...scene, beliefs, log, timeUp, stateOf, told };
}

test('a stranger announces itself, and we pass it on', () => {
  const { beliefs, log, stateOf, told } = make();
  beliefs.hearAlive(aliveOf('web'));
  expect(log).toEqual(['web is here']);
  expect(stateOf('web')).toBe('alive');
  expect(told()).toMatchObject([{ type: 'alive', node: 'web', incarnation: 1 }]);
  beliefs.hearAlive(aliveOf('web'));
  expect(log).toHaveLength(1);
});

test('an announcement without a proper version or incarnation is not taken, and above all not passed on', () => {
  const { beliefs, log, parts, told } = make();
  beliefs.hearAlive({ ...aliveOf('web'), vsn: new Uint8Array(0) });
  beliefs.hearAlive({ ...aliveOf('web'), vsn: Uint8Array.of(0, 5, 2, 2, 5, 4) });
  beliefs.hearAlive({ ...aliveOf('web'), vsn: Uint8Array.of(3, 2, 2, 2, 5, 4) });
  beliefs.hearAlive(aliveOf('web', { incarnation: 0 }));
  beliefs.hearAlive({ ...aliveOf('web'), addr: new Uint8Array(3) });
  beliefs.hearAlive({ ...aliveOf('web'), meta: new Uint8Array(513) });
  beliefs.hearAlive({ ...aliveOf('web'), node: '' });
  beliefs.hearAlive({ ...aliveOf('web'), node: 'x'.repeat(256) });
  expect(log).toEqual([]);
  expect(parts.counters.get('alive_refused')).toBe(8);
  expect(told()).toEqual([]);
});

test('we remember no more members than we are told to', () => {
  const { beliefs, parts, stateOf } = make({ config: { membersMax: 2 } });
  for (const name of ['a', 'b', 'c']) beliefs.hearAlive(aliveOf(name));
  expect([stateOf('a'), stateOf('b'), stateOf('c')]).toEqual(['alive', 'unknown', 'unknown']);
  expect(parts.counters.get('members_refused')).toBe(2);
});

test('where there is no room, those that are long gone are asked to make some', () => {
  const { beliefs, log, parts } = make({ config: { membersMax: 2 } });
  beliefs.hearAlive(aliveOf('a'));
  parts.roll.setStatus(parts.records.numberOf('a')!, 'alive');
  beliefs.hearAlive(aliveOf('b'));
  expect(log).toEqual(['a is here', 'full']);
  // A member that is known already needs no room.
  beliefs.hearAlive(aliveOf('a', { incarnation: 2, tags: { id: 'id-of-a', role: 'db' } }));
  expect(log.at(-1)).toBe('a is another');
});

test('new tags come with a greater incarnation', () => {
  const { beliefs, log } = make();
  beliefs.hearAlive(aliveOf('web'));
  beliefs.hearAlive(aliveOf('web', { tags: { id: 'id-of-web', role: 'db' } }));
  beliefs.hearAlive(aliveOf('web', { incarnation: 2, tags: { id: 'id-of-web', role: 'db' } }));
  expect(log).toEqual(['web is here', 'web is another']);
});

test('a suspicion is refuted with a greater incarnation, and its timer fires into nothing', () => {
  const { beliefs, clock, log, stateOf, timeUp, told } = make();
  beliefs.hearAlive(aliveOf('web'));
  beliefs.hearSuspect(suspectOf('web', 'accuser'));
  expect(stateOf('web')).toBe('suspect');
  beliefs.hearAlive(aliveOf('web'));
  expect(stateOf('web')).toBe('suspect');
  expect(told()).toMatchObject([suspectOf('web', 'accuser')]);
  beliefs.hearAlive(aliveOf('web', { incarnation: 2 }));
  expect(log).toEqual(['web is here', 'web suspect', 'web alive']);
  clock.runFor(120_000);
  expect(timeUp).toEqual([]);
});

test('a suspicion that nobody refutes comes up, and may be condemned', () => {
  const { beliefs, clock, log, stateOf, timeUp, told } = make();
  beliefs.hearAlive(aliveOf('web'));
  beliefs.hearSuspect(suspectOf('web', 'accuser'));
  clock.runFor(120_000);
  const [suspicion] = timeUp;
  const evidence = {
    atMs: 0,
    address: '',
    timeoutMs: 500,
    intervalMs: 500,
    helpers: [],
    tcp: 'refused' as const,
    udp: 'silence' as const,
  };
  beliefs.condemn(suspicion!, { reason: 'refused', evidence });
  expect(stateOf('web')).toBe('dead');
  expect(log.at(-1)).toBe('web dead refused');
  expect(told()).toMatchObject([deadOf('web', 'me')]);
  // A second verdict finds nothing to judge.
  beliefs.condemn(suspicion!, { reason: 'refused', evidence });
  expect(log).toHaveLength(3);
});

test('confirmations are passed on under the name of their accuser, as long as they are wanted', () => {
  const { beliefs, meet, told } = make();
  for (const name of ['a', 'b', 'c', 'd', 'e']) meet(name);
  beliefs.hearSuspect(suspectOf('a', 'b'));
  beliefs.hearSuspect(suspectOf('a', 'c'));
  expect(told()).toMatchObject([suspectOf('a', 'c')]);
  beliefs.hearSuspect(suspectOf('a', 'd'));
  beliefs.hearSuspect(suspectOf('a', 'e'));
  expect(told()).toMatchObject([suspectOf('a', 'd')]);
});

test('a goodbye is told from an accusation by who says it', () => {
  const { beliefs, log } = make();
  for (const name of ['web', 'db']) beliefs.hearAlive(aliveOf(name));
  beliefs.hearDead(deadOf('web', 'web'));
  beliefs.hearDead(deadOf('db', 'web'));
  beliefs.hearDead(deadOf('db', 'db'));
  expect(log.slice(2)).toEqual(['web left ', 'db dead ']);
});

test('what is said about ourselves is answered, not believed', () => {
  const { beliefs, log, parts, stateOf } = make();
  beliefs.hearSuspect(suspectOf('me', 'accuser', 1));
  beliefs.hearDead(deadOf('me', 'accuser', 41));
  beliefs.hearDead(deadOf('me', 'me', 42));
  beliefs.hearAlive({ ...parts.self.alive(), incarnation: 50 });
  expect(log).toEqual(['I am 2', 'I am 42', 'I am 43', 'I am 51']);
  expect(stateOf('me')).toBe('alive');
});

test('a name moves to another address when its holder is dead or left, or is the same agent with a newer word', () => {
  const { beliefs, log, parts, stateOf } = make();
  beliefs.hearAlive(aliveOf('web', { incarnation: 5 }));
  beliefs.hearAlive(aliveOf('web', { incarnation: 6, host: 90, tags: { id: 'a stranger' } }));
  beliefs.hearAlive(aliveOf('web', { incarnation: 5, host: 90 }));
  expect(log.slice(1)).toEqual(['conflict about web', 'conflict about web']);
  beliefs.hearAlive(aliveOf('web', { incarnation: 6, host: 90 }));
  expect(log.at(-1)).toBe('web is another');
  beliefs.hearDead(deadOf('web', 'x', 6));
  beliefs.hearAlive(aliveOf('web', { incarnation: 1, host: 91, tags: { id: 'a stranger' } }));
  expect([stateOf('web'), log.at(-1)]).toEqual(['alive', 'web is here']);
  expect(parts.members.incarnation(parts.records.numberOf('web')!)).toBe(1);
});

test('somebody else believing a member dead is only a reason to suspect', () => {
  const { beliefs, stateOf } = make();
  for (const name of ['a', 'b', 'c', 'd']) beliefs.hearAlive(aliveOf(name));
  const record = (name: string, state: PushNodeState['state']): PushNodeState => {
    const { addr, port, meta, vsn } = aliveOf(name);
    return { name, addr, port, meta, vsn, incarnation: 1, state };
  };
  beliefs.merge([
    record('a', 'dead'),
    record('b', 'suspect'),
    record('c', 'left'),
    record('d', 'unknown'),
    record('e', 'alive'),
  ]);
  const states = ['a', 'b', 'c', 'd', 'e'].map(stateOf);
  expect(states).toEqual(['suspect', 'suspect', 'left', 'alive', 'alive']);
});

test('a member that came back without knowing how it stood is told, but not by old news of it', () => {
  const { beliefs, clock, take } = make();
  beliefs.hearAlive(aliveOf('web', { incarnation: 3 }));
  beliefs.hearDead(deadOf('web', 'web', 3));
  beliefs.hearAlive(aliveOf('web'));
  expect(take('web')).toEqual([]);
  clock.runFor(20_000);
  beliefs.hearAlive(aliveOf('web'));
  beliefs.hearAlive(aliveOf('web'));
  expect(take('web')).toEqual([deadOf('web', 'web', 3)]);
});
