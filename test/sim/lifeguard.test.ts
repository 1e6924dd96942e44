import { expect, test } from 'vitest';
import { type Detector, runLifeguard } from './lifeguard.ts';

const options = {
  seed: 'lifeguard',
  members: 48,
  blocked: 8,
  blockedForMs: 16_000,
  openForMs: 250,
  lastsMs: 60_000,
};
const wrong = (detector: Detector, block: 'messages' | 'process') =>
  runLifeguard({ ...options, detector, block }).anywhere;

test('members that hear nobody for a while accuse fifty times fewer healthy ones than with plain SWIM', () => {
  const lifeguard = wrong('lifeguard', 'messages');
  const ours = wrong('ours', 'messages');
  expect(wrong('swim', 'messages')).toBeGreaterThanOrEqual(50 * Math.max(1, ours));
  expect(ours).toBeLessThanOrEqual(lifeguard);
});

test('members that stand still accuse nobody at all', () => {
  expect(wrong('ours', 'process')).toBe(0);
});
