import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce, type CheckState, newState, type ResultStatus, receiveResult } from '../../checks/check.ts';
import {
  firstStartMs,
  nextStartMs,
  phaseMs,
  staleAtMs,
  type Timetable,
  timetableOf,
} from '../../checks/schedule.ts';
import { parseCheckDefinition } from '../../proto/schema/definitions.ts';

function timetable(keys: object = {}): Timetable {
  const parsed = parseCheckDefinition({
    name: 'web',
    tcp: 'x:1',
    ...('cron' in keys ? {} : { interval: '10s' }),
    ...keys,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return { ...timetableOf('node-1', parsed.definition), ...('phaseMs' in keys ? {} : { phaseMs: 3_000 }) };
}

const at = (nowMs: number, wallMs = nowMs) => ({ nowMs, wallMs });

function after(...results: ResultStatus[]): CheckState {
  return results.reduce((state, result) => receiveResult(state, atOnce, result, 0), newState(0));
}

const passing = after('passing');

test('the first run comes within two seconds, or within a shorter interval', () => {
  for (let i = 0; i < 200; i++) {
    const long = { ...timetable(), phaseMs: phaseMs('n', `c${i}`, 10_000) };
    expect(firstStartMs(long, at(500))).toBeGreaterThanOrEqual(500);
    expect(firstStartMs(long, at(500))).toBeLessThan(2_500);
    const short = { ...timetable({ interval: '1s' }), phaseMs: phaseMs('n', `c${i}`, 1_000) };
    expect(firstStartMs(short, at(500))).toBeLessThan(1_500);
  }
});

test('then it keeps to the grid of its phase', () => {
  expect(nextStartMs(timetable(), passing, 13_000, at(13_040))).toBe(23_000);
  // Started a little late: still the same grid.
  expect(nextStartMs(timetable(), passing, 23_060, at(23_100))).toBe(33_000);
});

test('two starts are never closer than half an interval', () => {
  expect(nextStartMs(timetable(), passing, 12_000, at(12_100))).toBe(23_000);
  expect(nextStartMs(timetable(), passing, 17_900, at(18_000))).toBe(23_000);
  expect(nextStartMs(timetable(), passing, 18_100, at(18_200))).toBe(33_000);
});

test('a run that took longer than the interval skips points of the grid', () => {
  expect(nextStartMs(timetable(), passing, 13_000, at(38_000))).toBe(43_000);
});

test('a bad result that waits for its confirmation is retried soon', () => {
  const retrying = timetable({ retry_interval: '2s' });
  const unconfirmed: CheckState = { ...passing, result: 'critical', failures: 1 };
  expect(nextStartMs(retrying, unconfirmed, 13_000, at(13_100))).toBe(15_000);
  // Confirmed or over: back to the grid.
  expect(nextStartMs(retrying, after('passing', 'critical'), 15_000, at(15_100))).toBe(23_000);
  expect(nextStartMs(retrying, passing, 15_000, at(15_100))).toBe(23_000);
});

test('while it is critical the recovery interval counts', () => {
  const watching = timetable({ recovery_interval: '1s' });
  expect(nextStartMs(watching, after('critical'), 13_000, at(13_100))).toBe(14_000);
  expect(nextStartMs(watching, after('critical'), 13_000, at(16_000))).toBe(16_000);
  expect(nextStartMs(watching, after('critical', 'passing'), 14_000, at(14_100))).toBe(23_000);
});

test('in a long outage it backs off, up to the limit that is set', () => {
  const patient = timetable({ recovery_interval_max: '60s' });
  const failed = (failures: number): CheckState => ({ ...after('critical'), failures });
  expect(nextStartMs(patient, failed(9), 13_000, at(13_100))).toBe(23_000);
  expect(nextStartMs(patient, failed(10), 13_000, at(13_100))).toBe(33_000);
  expect(nextStartMs(patient, failed(25), 13_000, at(13_100))).toBe(53_000);
  expect(nextStartMs(patient, failed(1e6), 13_000, at(13_100))).toBe(73_000);
  expect(nextStartMs(timetable(), failed(1e6), 13_000, at(13_100))).toBe(23_000);
});

test('a cron check runs at its times of day, however the wall clock stands to the other', () => {
  const nightly = timetable({ cron: '30 3 * * *' });
  const wallMs = Date.parse('2026-11-22T03:00:00Z');
  expect(firstStartMs(nightly, at(1_000, wallMs))).toBe(1_000 + 30 * 60_000);
  expect(nextStartMs(nightly, passing, 0, at(1_000, wallMs + 30 * 60_000))).toBe(1_000 + 24 * 3_600_000);
});

test('a result is stale after its number of intervals and the time that a run may take', () => {
  const state: CheckState = { ...passing, resultAtMs: 5_000 };
  expect(staleAtMs(timetable({ timeout: '4s' }), state, at(6_000))).toBe(5_000 + 30_000 + 4_000);
  expect(staleAtMs(timetable({ stale_after: 0 }), state, at(6_000))).toBe(Number.POSITIVE_INFINITY);
  expect(staleAtMs(timetable(), newState(0), at(6_000))).toBe(Number.POSITIVE_INFINITY);
});

test('backing off does not make a check stale', () => {
  const patient = timetable({ recovery_interval_max: '60s', timeout: '1s' });
  const state: CheckState = { ...after('critical'), failures: 100, resultAtMs: 0 };
  expect(staleAtMs(patient, state, at(0))).toBe(3 * 60_000 + 1_000);
});

test('a cron check is stale when so many of its times went by', () => {
  const hourly = timetable({ cron: '0 * * * *', stale_after: 2, timeout: '1s' });
  const wallMs = Date.parse('2026-11-22T03:10:00Z');
  // The result came at 03:00; 04:00 and 05:00 are the two times.
  const state: CheckState = { ...passing, resultAtMs: 0 };
  expect(staleAtMs(hourly, state, at(600_000, wallMs))).toBe(600_000 + 110 * 60_000 + 1_000);
});

test('the phase is stable, lies on slots and spreads a thousand checks evenly', () => {
  expect(phaseMs('node-1', 'web', 10_000)).toBe(phaseMs('node-1', 'web', 10_000));
  expect(phaseMs('node-1', 'web', 10_000)).not.toBe(phaseMs('node-2', 'web', 10_000));
  const perSlot = new Map<number, number>();
  for (let i = 0; i < 1_000; i++) {
    const phase = phaseMs('node-1', `service:web-${i}`, 10_000);
    expect(phase % 100).toBe(0);
    perSlot.set(phase, (perSlot.get(phase) ?? 0) + 1);
  }
  // 100 slots, ten checks each on average; 26 would be five standard deviations away.
  expect(perSlot.size).toBeGreaterThan(95);
  expect(Math.max(...perSlot.values())).toBeLessThan(26);
});

test('whatever a run takes, the next start lies ahead, on the grid, and within two intervals', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 600_000 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 0, max: 1e6 }),
      (intervalMs, unit, startedAtMs, tookMs) => {
        const rule = {
          ...timetable(),
          intervalMs,
          retryIntervalMs: intervalMs,
          phaseMs: Math.floor(unit * intervalMs),
        };
        const next = nextStartMs(rule, passing, startedAtMs, at(startedAtMs + tookMs));
        expect(next).toBeGreaterThanOrEqual(startedAtMs + tookMs);
        expect(next).toBeGreaterThanOrEqual(startedAtMs + intervalMs / 2);
        expect(next).toBeLessThan(startedAtMs + Math.max(tookMs, intervalMs / 2) + intervalMs);
        expect((next - rule.phaseMs) % intervalMs).toBe(0);
      },
    ),
  );
});
