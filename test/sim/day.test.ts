/**
 * A day in the life of an agent's checks, in virtual time: the real state machines, schedule, rows, journal and files. What
 * it keeps after the last hour is what it kept after the first: memory, open files and appointments.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import { LocalParts } from '../../agent/local-parts.ts';
import type { RunClass } from '../../checks/gate.ts';
import type { Kinds, Outcome } from '../../checks/kinds/kind.ts';
import type { DataFolder } from '../../proto/store/layout.ts';
import { define } from '../checks/fakes.ts';
import { VirtualClock } from './clock.ts';
import { SimDisk } from './disk.ts';
import { SeededRandom } from './random.ts';

/** `ROLLCALL_SIM_HOURS`: how many virtual hours there are; 24 for the record. */
const hours = Number(process.env.ROLLCALL_SIM_HOURS ?? 3);
const hourMs = 3_600_000;
const checkCount = 20;
/** Less than a hundred bytes for each run of two hours: the measure of V8's own unrest. */
const growthBytesMax = 1024 * 1024;

const checks = Array.from({ length: checkCount }, (_, n) =>
  define({
    ...{ id: `check-${n}`, name: `check ${n}`, tcp: '127.0.0.1:1', interval: '10s', timeout: '5s' },
    ...{ failures_before_warning: 1 + (n % 2), failures_before_critical: 2, success_before_passing: n % 3 },
  }),
);
const config = {
  ...{ nodeName: 'web-1', services: [], checks, templates: {}, checkDefaults: {} },
  ...{ enableScriptChecks: false, enableLocalScriptChecks: false },
  ...{ checkOutputBytesMax: 4_096, discardCheckOutput: false },
  ...{ journalRecordsMax: 1_000, journalBytesMax: 1_000_000 },
} as unknown as AgentConfig;

/** Checks of a host with good and bad times; each answer is another text, and now and then one never comes. */
class MovedKinds implements Kinds {
  readonly #clock: VirtualClock;
  readonly #random = new SeededRandom('a day');
  runs = 0;
  running = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  classOf(): RunClass {
    return 'network';
  }

  async load() {
    return { run: (_: unknown, { signal }: { readonly signal: AbortSignal }) => this.#run(signal) };
  }

  #run(signal: AbortSignal): Promise<Outcome> {
    this.runs += 1;
    this.running += 1;
    const isBad = this.#random.chance(0.05);
    const output = `run ${this.runs}: ${'x'.repeat(this.#random.int(0, 2_000))}`;
    const tookMs = isBad && this.#random.chance(0.2) ? 3_600_000 : this.#random.between(1, 3_000);
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        this.running -= 1;
        resolve({ status: isBad ? 'critical' : 'passing', output });
      };
      const timer = this.#clock.after(tookMs, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test(`after ${hours} virtual hours of checks the agent is as large as after one`, {
  timeout: 3_600_000,
}, async () => {
  const clock = new VirtualClock();
  const kinds = new MovedKinds(clock);
  const disk = new SimDisk({ random: new SeededRandom('disk'), clock });
  const opening = LocalParts.open({
    ...{ config, disk, clock, kinds, random: new SeededRandom('agent') },
    folder: { part: (name: string) => name } as DataFolder,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await clock.settleFor(1_000);
  const parts = await opening;
  parts.start(config);
  const footprints: { heap: number; files: number; open: number; stored: number; due: number }[] = [];
  for (let hour = 1; hour <= hours; hour++) {
    for (let minute = 0; minute < 60; minute++) {
      await clock.settleFor(hourMs / 60);
      // The servers have taken what there is.
      parts.journal.confirm(parts.journal.lastRevision);
      disk.writeBack();
    }
    footprints.push({
      ...{ heap: heapBytes(), files: disk.paths().length, open: disk.openFiles, stored: disk.bytes() },
      due: clock.waiting,
    });
  }
  if (hours > 3) console.log(footprints.map((each) => JSON.stringify(each)).join('\n'));
  expect(kinds.runs).toBeGreaterThan(checkCount * 300 * hours);
  expect(parts.journal.lastRevision).toBeGreaterThan(10 * hours);
  const first = footprints[0]!;
  const last = footprints.at(-1)!;
  expect(last.heap - first.heap).toBeLessThan(growthBytesMax);
  expect(last.files).toBeLessThanOrEqual(first.files + 1);
  expect(last.open).toBeLessThanOrEqual(first.open + 1);
  expect(last.stored).toBeLessThan(2 * first.stored + 256 * 1024);
  expect(last.due).toBeLessThan(first.due + 2 * checkCount);
});
