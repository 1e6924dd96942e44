import { expect, test } from 'vitest';
import { Intents } from '../../../../agent/gossip/serf/intents.ts';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';
import { stage } from '../stage.ts';

function make() {
  const scene = stage();
  const { parts } = scene;
  const log: string[] = [];
  const name = (number: number) => parts.roll.record(number).name;
  const lamport = new LamportClock();
  const intents = new Intents({
    parts,
    clock: lamport,
    roll: parts.roll,
    reports: {
      onLeft: (number) => log.push(`${name(number)} left`),
      onPruned: (number) => {
        log.push(`${name(number)} pruned`);
        parts.roll.erase(number);
      },
      onWrongAboutUs: () => log.push('that is wrong'),
    },
  });
  const join = (node: string, ltime: number) => intents.hear({ type: 'serf.join', node, ltime });
  const leave = (node: string, ltime: number, prune = false) =>
    intents.hear({ type: 'serf.leave', node, ltime, prune });
  return { ...scene, intents, log, lamport, join, leave };
}

test('the newest intent counts, and only news is passed on', () => {
  const { join, lamport, leave, meet, parts } = make();
  const { number } = meet('web');
  expect(leave('web', 5)).toBe(true);
  expect(leave('web', 5)).toBe(false);
  expect(join('web', 4)).toBe(false);
  expect(parts.roll.status(number)).toBe('leaving');
  expect(join('web', 6)).toBe(true);
  expect(parts.roll.status(number)).toBe('alive');
  expect(lamport.next).toBe(7);
});

test('a failed member that is said to leave has left', () => {
  const { leave, log, meet, parts } = make();
  parts.roll.setStatus(meet('web').number, 'failed');
  expect(leave('web', 5)).toBe(true);
  expect(log).toEqual(['web left']);
});

test('an intent that overtakes the member it is about waits for it', () => {
  const { intents, join, leave, meet, parts } = make();
  expect(leave('web', 5)).toBe(true);
  expect(leave('web', 4)).toBe(false);
  const { number } = meet('web');
  intents.onFirstSeen(number);
  expect([parts.roll.status(number), parts.roll.ltime(number)]).toEqual(['leaving', 5]);
  expect(join('db', 8)).toBe(true);
  const db = meet('db').number;
  intents.onFirstSeen(db);
  expect([parts.roll.status(db), parts.roll.ltime(db)]).toEqual(['alive', 8]);
});

test('it does not wait for ever, nor do too many', () => {
  const { clock, intents, leave, meet, parts } = make();
  for (let i = 0; i < parts.config.queueMax + 10; i++) leave(`nobody ${i}`, 5);
  clock.runFor(parts.config.recentIntentTimeoutMs);
  intents.dropOld();
  const { number } = meet('nobody 1');
  intents.onFirstSeen(number);
  expect(parts.roll.status(number)).toBe('alive');
});

test('what is said about ourselves and is not from us is corrected', () => {
  const { join, leave, log, parts } = make();
  expect(leave('me', 5)).toBe(false);
  expect(join('me', 6)).toBe(false);
  expect(log).toEqual(['that is wrong', 'that is wrong']);
  parts.self.state = 'leaving';
  expect(leave('me', 7)).toBe(true);
  expect(parts.roll.status(parts.self.number)).toBe('leaving');
});

test('prune forgets the failed at once, the leaving when its goodbye is through', () => {
  const { clock, leave, log, meet, parts } = make();
  parts.roll.setStatus(meet('dead').number, 'failed');
  leave('dead', 5, true);
  expect(log).toEqual(['dead left', 'dead pruned']);
  const { number } = meet('leaver');
  leave('leaver', 6, true);
  parts.roll.setStatus(number, 'left');
  expect(log).toHaveLength(2);
  clock.runFor(6_100);
  expect(log.at(-1)).toBe('leaver pruned');
});

test('prune spares one that stayed after all', () => {
  const { clock, leave, log, meet } = make();
  meet('web');
  leave('web', 5, true);
  clock.runFor(20_000);
  expect(log).toEqual([]);
});
