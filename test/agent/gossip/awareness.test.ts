import { expect, test } from 'vitest';
import { Awareness } from '../../../agent/gossip/awareness.ts';

// Lifeguard, section 4.1.
test('unanswered probes, refutations and stalls make us doubt ourselves, answers make us sure again', () => {
  const awareness = new Awareness(8);
  awareness.onProbeFailed(3, 1);
  expect(awareness.score).toBe(2);
  awareness.onRefuted();
  expect(awareness.score).toBe(3);
  awareness.onProbeSucceeded();
  expect(awareness.score).toBe(2);
  expect(awareness.stretchedMs(1_000)).toBe(3_000);
});

test('helpers that say "neither did I" acquit us', () => {
  const awareness = new Awareness(8);
  awareness.onProbeFailed(3, 3);
  expect(awareness.score).toBe(0);
  awareness.onProbeFailed(0, 0);
  expect(awareness.score).toBe(1);
});

test('the score stays within its bounds', () => {
  const awareness = new Awareness(8);
  awareness.onProbeSucceeded();
  expect(awareness.score).toBe(0);
  for (let i = 0; i < 20; i++) awareness.onRefuted();
  expect(awareness.score).toBe(7);
  expect(new Awareness(1).score).toBe(0);
});

test('the longer we stood still, the less we trust ourselves; the worst stop is remembered for a minute', () => {
  const awareness = new Awareness(8);
  awareness.onStall(60, 500, 1_000);
  expect(awareness.score).toBe(1);
  awareness.onStall(1_600, 500, 2_000);
  expect(awareness.score).toBe(5);
  awareness.onStall(70, 500, 3_000);
  expect(awareness.loopLagMs(4_000)).toBe(1_600);
  expect(awareness.loopLagMs(62_000)).toBe(0);
});

test('it is known how long nobody has been heard', () => {
  const awareness = new Awareness(8);
  awareness.onHeard(1_000);
  expect(awareness.silenceMs(4_500)).toBe(3_500);
});
