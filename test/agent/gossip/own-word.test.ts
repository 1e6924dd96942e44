import { expect, test } from 'vitest';
import { OwnWord } from '../../../agent/gossip/own-word.ts';
import { aliveOf, deadOf, type StageOptions, stage, suspectOf } from './stage.ts';

function make(options: StageOptions = {}) {
  const scene = stage(options);
  const { parts } = scene;
  const log: string[] = [];
  const ownWord = new OwnWord(parts, {
    onSelf: () => log.push(`I am ${parts.self.incarnation}`),
    onConflict: (existing, other) =>
      log.push(`conflict about ${existing.name}: ${existing.endpoint.host} and ${other.addr.join('.')}`),
  });
  const told = () => {
    const peer = scene.meet('listener');
    while (parts.outbox.gossip(peer));
    const all = scene.take('listener');
    return [...new Map(all.map((message) => [JSON.stringify(message), message])).values()];
  };
  return { ...scene, log, ownWord, told };
}

test('an announcement goes out under the next incarnation', () => {
  const { log, ownWord, told } = make();
  ownWord.announce();
  expect(log).toEqual(['I am 2']);
  expect(told()).toMatchObject([{ type: 'alive', node: 'me', incarnation: 2 }]);
});

test('a goodbye is said to those who seem to be there, whatever gossip does', () => {
  const { meet, ownWord, parts, take } = make();
  for (const name of ['here', 'doubtful', 'gone']) meet(name);
  const mark = (name: string, belief: 'suspect' | 'dead') =>
    parts.members.mark(parts.records.numberOf(name)!, belief, 1, 0);
  mark('doubtful', 'suspect');
  mark('gone', 'dead');
  ownWord.sayGoodbye(() => {});
  expect(['here', 'doubtful', 'gone'].map((name) => take(name).length)).toEqual([1, 1, 0]);
});

test('whatever is said against us is refuted above it', () => {
  const { log, ownWord, parts, told } = make();
  ownWord.hearAccusation('suspect', suspectOf('me', 'accuser', 0));
  expect(log).toEqual([]);
  ownWord.hearAccusation('suspect', suspectOf('me', 'accuser', 1));
  ownWord.hearAccusation('dead', deadOf('me', 'accuser', 41));
  ownWord.hearAccusation('left', deadOf('me', 'me', 42));
  expect(log).toEqual(['I am 2', 'I am 42', 'I am 43']);
  expect(told()).toMatchObject([{ type: 'alive', node: 'me', incarnation: 43 }]);
  expect(parts.awareness.score).toBe(3);
});

test('an accusation at the last incarnation there is cannot be refuted, and breaks nothing', () => {
  const { log, ownWord, parts } = make();
  ownWord.hearAccusation('suspect', suspectOf('me', 'accuser', 0xffff_ffff));
  expect(log).toEqual([]);
  expect(parts.counters.get('refutations_impossible')).toBe(1);
});

test('our own past is corrected: other tags at our incarnation, another address of the same data folder', () => {
  const { log, ownWord } = make();
  const me = {
    ...aliveOf('me', { tags: { id: 'my-id', rc_gossip: '1' } }),
    addr: Uint8Array.of(10, 0, 0, 1),
  };
  ownWord.hearAlive(me);
  expect(log).toEqual([]);
  ownWord.hearAlive({ ...me, meta: aliveOf('x', { tags: { id: 'my-id' } }).meta });
  ownWord.hearAlive({ ...me, incarnation: 7, addr: Uint8Array.of(10, 0, 0, 2) });
  expect(log).toEqual(['I am 2', 'I am 8']);
});

test('another agent with our name is a conflict, not our past', () => {
  const { log, ownWord } = make();
  ownWord.hearAlive(aliveOf('me', { incarnation: 9, tags: { id: 'somebody else' }, host: 77 }));
  expect(log).toEqual(['conflict about me: 10.0.0.1 and 10.0.1.77']);
});

test('after our goodbye nothing is refuted any more', () => {
  const { log, ownWord, parts, told } = make();
  let heard = false;
  ownWord.sayGoodbye(() => {
    heard = true;
  });
  ownWord.hearAccusation('suspect', suspectOf('me', 'x'));
  ownWord.hearAlive({ ...parts.self.alive(), incarnation: 9 });
  expect(log).toEqual([]);
  expect(parts.members.belief(parts.self.number)).toBe('left');
  expect(told()).toMatchObject([deadOf('me', 'me')]);
  expect(heard).toBe(true);
});
