import { expect, test } from 'vitest';
import { Beliefs } from '../../../agent/gossip/beliefs.ts';
import type { Forgotten } from '../../../agent/gossip/members.ts';
import { OwnWord } from '../../../agent/gossip/own-word.ts';
import { Prober } from '../../../agent/gossip/prober.ts';
import { Verdicts } from '../../../agent/gossip/verdicts.ts';
import type { Ping } from '../../../proto/gossip/messages.ts';
import { type StageOptions, stage } from './stage.ts';

function make(options: StageOptions = {}) {
  const scene = stage(options);
  const { parts } = scene;
  const ignore = () => {};
  const ownWord = new OwnWord(parts, { onSelf: ignore, onConflict: ignore });
  const beliefs = new Beliefs({
    parts,
    ownWord,
    reports: {
      onFull: ignore,
      onAlive: ignore,
      onUpdated: ignore,
      onSuspicion: ignore,
      onTimeUp: ignore,
      onGone: ignore,
      onConflict: ignore,
    },
  });
  const verdicts = new Verdicts({ parts, beliefs });
  const answered: string[] = [];
  const forgotten: Forgotten[] = [];
  const prober = new Prober({
    parts,
    beliefs,
    verdicts,
    reports: {
      onDirectAnswer: ({ name }) => answered.push(name),
      onForgotten: (some) => forgotten.push(...some),
    },
  });
  const pings = () => scene.sent.filter(({ messages }) => messages[0]?.type === 'ping');
  /** Answers every ping at once. */
  const runAnswering = (durationMs: number) => {
    for (let i = 0; i < durationMs; i += 10) {
      const before = pings().length;
      scene.clock.runFor(10);
      for (const { messages } of pings().slice(before))
        parts.acks.receiveAck((messages[0] as Ping).seqNo, null);
    }
  };
  return { ...scene, prober, answered, forgotten, pings, runAnswering };
}

test('everybody is asked once a round, each round in another order', () => {
  const { meet, prober, pings, runAnswering } = make();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const name of names) meet(name);
  prober.start();
  runAnswering(18_500);
  const asked = pings().map(({ to }) => to);
  expect(asked.length).toBeGreaterThanOrEqual(18);
  const rounds = [asked.slice(0, 6), asked.slice(6, 12), asked.slice(12, 18)];
  // Whoever starts in the middle of the first order still finds each one once in every whole round after it.
  for (const round of rounds.slice(1)) expect([...round].sort()).toEqual(names);
  expect(rounds[1]).not.toEqual(rounds[2]);
  prober.stop();
});

test('the dead and the left are not asked, and nobody is asked when we are alone', () => {
  const { meet, parts, prober, pings, runAnswering } = make();
  parts.members.mark(meet('dead').number, 'dead', 1, 0);
  parts.members.mark(meet('left').number, 'left', 1, 0);
  prober.start();
  runAnswering(5_000);
  expect(pings()).toEqual([]);
  prober.stop();
});

test('an answer cheers us up, silence makes a suspect and swallows the ticks in between', () => {
  const { answered, clock, meet, parts, prober, pings, runAnswering } = make();
  const { number } = meet('web');
  prober.start();
  runAnswering(1_500);
  expect(new Set(answered)).toEqual(new Set(['web']));
  parts.awareness.onRefuted();
  parts.awareness.onRefuted();
  const before = pings().length;
  clock.runFor(3_900);
  // One probe, stretched to three seconds, and nothing beside it.
  expect(pings().length - before).toBeLessThanOrEqual(2);
  expect(parts.members.belief(number)).toBe('suspect');
  expect(parts.counters.get('probes_failed')).toBe(1);
  prober.stop();
});

test('half a minute after their end the dead and the left are forgotten, and the round goes on where it was', () => {
  const { forgotten, meet, parts, prober, pings, runAnswering } = make();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) meet(name);
  parts.members.mark(meet('dead').number, 'dead', 3, 0);
  parts.members.mark(meet('left').number, 'left', 4, 0);
  parts.members.mark(meet('suspect').number, 'suspect', 5, 0);
  prober.start();
  runAnswering(29_000);
  expect(forgotten).toEqual([]);
  runAnswering(2_000);
  expect(forgotten.map(({ record, incarnation }) => `${record.name} ${incarnation}`).sort()).toEqual([
    'dead 3',
    'left 4',
  ]);
  const count = pings().length;
  runAnswering(14_000);
  const asked = new Set(
    pings()
      .slice(count)
      .map(({ to }) => to),
  );
  expect(asked.size).toBe(7);
  prober.stop();
});
