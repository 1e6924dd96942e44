/**
 * When a check is due. Every check has a fixed grid: its interval, shifted by a phase that is a hash of node
 * and check id. So the runs of many checks are spread, and stay where they are over restarts. The first run
 * comes early, because until then nobody knows anything.
 */

import { assert } from '../proto/assert.ts';
import { parseCron } from '../proto/cron.ts';
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import type { CheckState } from './check.ts';

/** Starts fall on multiples of this, so that one wake-up serves many checks. */
const slotMs = 100;
/** The first run comes within this time, or within the interval if that is shorter. */
export const firstRunMsMax = 2_000;
/** Runs in a long outage after which the recovery interval doubles. */
const runsBeforeBackOff = 10;
/** Times that are looked ahead at most to find out when a cron check is stale. */
const timesAheadMax = 100;

/** All that decides when one check is due. */
export interface Timetable {
  readonly intervalMs: number;
  /** Where its grid begins: 0 to less than the interval. */
  readonly phaseMs: number;
  readonly retryIntervalMs: number;
  readonly recoveryIntervalMs: number;
  readonly recoveryIntervalMaxMs: number;
  /** Intervals without a result until the check is stale; 0: never. */
  readonly staleAfterIntervals: number;
  readonly timeoutMs: number;
  /** Times of day instead of an interval; null: by the interval. */
  readonly nextWallMs: ((afterWallMs: number) => number | null) | null;
}

/** Where both clocks stand. Times of day need the wall; all else is monotonic. */
export interface Now {
  readonly nowMs: number;
  readonly wallMs: number;
}

export function timetableOf(node: string, definition: CheckDefinition): Timetable {
  const { intervalMs, retryIntervalMs, recoveryIntervalMs, recoveryIntervalMaxMs } = definition;
  const recovery = recoveryIntervalMs ?? intervalMs;
  const { staleAfterIntervals, timeoutMs } = definition;
  return {
    intervalMs,
    phaseMs: phaseMs(node, definition.id, intervalMs),
    retryIntervalMs: retryIntervalMs ?? intervalMs,
    recoveryIntervalMs: recovery,
    recoveryIntervalMaxMs: Math.max(recovery, recoveryIntervalMaxMs ?? recovery),
    staleAfterIntervals,
    timeoutMs,
    nextWallMs: definition.cron === null ? null : timesOf(definition.cron),
  };
}

function timesOf(cron: { expression: string; timezone: string }): Timetable['nextWallMs'] {
  const parsed = parseCron(cron.expression, cron.timezone);
  assert(parsed.ok, `a definition holds a cron expression that does not parse: ${cron.expression}`);
  return parsed.next;
}

/** The phase of a check's grid, a multiple of the slot from 0 to less than the interval. */
export function phaseMs(node: string, checkId: string, intervalMs: number): number {
  const slots = Math.max(1, Math.floor(intervalMs / slotMs));
  return Math.floor(hashUnit(`${node}\0${checkId}`) * slots) * slotMs;
}

/** The first start; Infinity when there will be none. */
export function firstStartMs(timetable: Timetable, now: Now): number {
  if (timetable.nextWallMs !== null) return onClock(timetable.nextWallMs(now.wallMs), now);
  const within = Math.min(timetable.intervalMs, firstRunMsMax);
  return now.nowMs + (timetable.phaseMs / timetable.intervalMs) * within;
}

/** The start after a run that began at `startedAtMs` and has just ended. */
export function nextStartMs(timetable: Timetable, state: CheckState, startedAtMs: number, now: Now): number {
  if (timetable.nextWallMs !== null) return onClock(timetable.nextWallMs(now.wallMs), now);
  const { intervalMs, phaseMs } = timetable;
  const stepMs = currentStepMs(timetable, state);
  if (stepMs !== intervalMs) return Math.max(now.nowMs, startedAtMs + stepMs);
  // A run that took long skips the points of the grid that went by, and two starts are never too close.
  const earliest = Math.max(now.nowMs, startedAtMs + intervalMs / 2);
  return phaseMs + Math.ceil((earliest - phaseMs) / intervalMs) * intervalMs;
}

/** Time between two starts, as the state has it now. */
function currentStepMs(timetable: Timetable, state: CheckState): number {
  if (state.status === 'critical') {
    const doublings = Math.floor(state.failures / runsBeforeBackOff);
    return Math.min(timetable.recoveryIntervalMaxMs, timetable.recoveryIntervalMs * 2 ** doublings);
  }
  const waitsForConfirmation = state.result !== null && state.result !== state.status;
  return waitsForConfirmation ? timetable.retryIntervalMs : timetable.intervalMs;
}

/** When the newest result is too old to be believed; Infinity: never. */
export function staleAtMs(timetable: Timetable, state: CheckState, now: Now): number {
  const { staleAfterIntervals, timeoutMs } = timetable;
  if (state.resultAtMs === null || staleAfterIntervals === 0) return Number.POSITIVE_INFINITY;
  if (timetable.nextWallMs === null) {
    const stepMs = Math.max(timetable.intervalMs, currentStepMs(timetable, state));
    return state.resultAtMs + staleAfterIntervals * stepMs + timeoutMs;
  }
  let wallMs: number | null = now.wallMs - (now.nowMs - state.resultAtMs);
  for (let times = Math.min(timesAheadMax, Math.ceil(staleAfterIntervals)); times > 0; times--) {
    wallMs = timetable.nextWallMs(wallMs);
    if (wallMs === null) return Number.POSITIVE_INFINITY;
  }
  return onClock(wallMs, now) + timeoutMs;
}

function onClock(wallMs: number | null, now: Now): number {
  return wallMs === null ? Number.POSITIVE_INFINITY : now.nowMs + (wallMs - now.wallMs);
}

/** FNV-1a with a finisher that lets the last letters count as much as the first; from 0 to less than 1. */
function hashUnit(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
