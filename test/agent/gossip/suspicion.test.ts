import { expect, test } from 'vitest';
import type { GossipConfig } from '../../../agent/gossip/config.ts';
import type { ProbeEvidence } from '../../../agent/gossip/dossier.ts';
import { Suspicion } from '../../../agent/gossip/suspicion.ts';
import { stage } from './stage.ts';

const evidence: ProbeEvidence = {
  atMs: 0,
  address: '10.0.0.2:8301',
  timeoutMs: 500,
  intervalMs: 1_000,
  helpers: [],
  tcp: 'silence',
  udp: 'silence',
};

/** Among ten members: 24 s alone, 11.38 s with one confirmation, 4 s with two. */
function suspect(options: { seen: ProbeEvidence | null; config?: Partial<GossipConfig> }) {
  const { clock, parts } = stage({ config: options.config ?? {} });
  const ends: number[] = [];
  const suspicion = new Suspicion({
    number: 1,
    incarnation: 1,
    accuser: 'a',
    evidence: options.seen,
    minMs: 4_000,
    maxMs: 24_000,
    confirmationsWanted: 2,
    config: parts.config,
    deadlines: parts.deadlines,
    random: parts.random,
    onTimeUp: () => ends.push(clock.nowMs()),
  });
  return { clock, suspicion, ends };
}

test('a witness looks once more just before the time is up', () => {
  const { clock, ends } = suspect({ seen: evidence });
  clock.runFor(60_000);
  expect(ends).toEqual([23_500]);
});

test('who knows by hearsay leaves the first word to the witnesses', () => {
  const { clock, ends } = suspect({ seen: null });
  clock.runFor(60_000);
  expect(ends[0]).toBeGreaterThanOrEqual(24_500);
  expect(ends[0]).toBeLessThanOrEqual(25_500);
});

test('each further accuser shortens the time, the first accuser and repetitions do not', () => {
  const { clock, suspicion, ends } = suspect({ seen: evidence });
  clock.runFor(1_000);
  expect(suspicion.confirm('a', null)).toBe(false);
  expect(suspicion.confirm('b', null)).toBe(true);
  expect(suspicion.confirm('b', null)).toBe(false);
  clock.runFor(1_000);
  expect(suspicion.confirm('c', null)).toBe(true);
  expect(suspicion.confirm('d', null)).toBe(false);
  expect(suspicion.confirmations).toEqual([
    { from: 'b', afterMs: 1_000 },
    { from: 'c', afterMs: 2_000 },
  ]);
  clock.runFor(60_000);
  expect(ends).toEqual([3_500]);
});

test('a late confirmation ends it at once', () => {
  const { clock, suspicion, ends } = suspect({ seen: evidence });
  clock.runFor(10_000);
  suspicion.confirm('b', null);
  suspicion.confirm('c', null);
  clock.runFor(1);
  expect(ends).toEqual([10_000]);
});

test('hearsay becomes knowledge when our own probe fails too', () => {
  const { suspicion } = suspect({ seen: null });
  suspicion.confirm('me', evidence);
  expect(suspicion.evidence).toBe(evidence);
  suspicion.confirm('x', null);
  suspicion.confirm('me', { ...evidence, atMs: evidence.atMs + 1 });
  expect(suspicion.evidence).toBe(evidence);
});

test('a suspect that was seen alive gets the shortest time again', () => {
  const { clock, suspicion, ends } = suspect({ seen: evidence });
  clock.runFor(23_600);
  suspicion.extend();
  expect(suspicion.extended).toBe(true);
  clock.runFor(60_000);
  expect(ends).toEqual([23_500, 23_600 + 4_000 - 500]);
});

test('a settled suspicion ends in nothing', () => {
  const { clock, suspicion, ends } = suspect({ seen: evidence });
  suspicion.cancel();
  clock.runFor(60_000);
  expect(ends).toEqual([]);
});

test('without a last look the time is not shifted', () => {
  const { clock, ends } = suspect({ seen: evidence, config: { lastLook: false } });
  clock.runFor(60_000);
  expect(ends).toEqual([24_000]);
});
