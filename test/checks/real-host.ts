/** A sandbox on this host's real processes, and eyes to see what it leaves behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { hostClock } from '../../agent/host/clock.ts';
import { hostFacts } from '../../agent/host/facts.ts';
import { hostProcesses } from '../../agent/host/processes.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { hostSpawner } from '../../agent/host/spawner.ts';
import type { RunContext } from '../../checks/kinds/kind.ts';
import { scriptKind } from '../../checks/kinds/script.ts';
import { Sandbox, type SandboxOptions } from '../../checks/sandbox.ts';
import type { ControlGroup, MarkedProcess } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { define } from './fakes.ts';

/** A host without control groups, and tests that stay where they are. */
export const noGroup: ControlGroup = {
  enter: async () => false,
  members: async () => new Set(),
  leave: async () => {},
};

export function realSandbox(options: Partial<SandboxOptions> = {}) {
  const processes = hostProcesses();
  const strangers: MarkedProcess[] = [];
  const sandbox = new Sandbox({
    spawner: hostSpawner(),
    facts: hostFacts(processes),
    processes,
    group: noGroup,
    clock: hostClock(),
    random: hostRandom(),
    owner: `test-${process.pid}-${Math.random()}`,
    environment: process.env,
    uid: process.getuid?.() ?? 0,
    isInit: false,
    onStranger: (process) => strangers.push(process),
    ...options,
  });
  return { sandbox, strangers, kind: scriptKind(sandbox) };
}

export function context(more: Partial<RunContext> = {}): RunContext {
  return {
    checkId: 'test',
    timeoutMs: 5_000,
    outputBytesMax: 4_096,
    signal: new AbortController().signal,
    ...more,
  };
}

export function script(args: string[], keys: object = {}): SpecOf<'script'> {
  return define({ args, interval: '10s', kill_after: '100ms', ...keys }).spec as SpecOf<'script'>;
}

export function shell(text: string, keys: object = {}): SpecOf<'script'> {
  return script(['/bin/sh', '-c', text], keys);
}

let naps = 0;

/** A number of seconds that no other process sleeps, so that it can be recognised. */
export function nap(): string {
  naps += 1;
  return `${1_000 + naps}.${process.pid}`;
}

/** Numbers of living processes that have this argument. */
export function pidsWith(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(argument);
      } catch {
        return false;
      }
    });
}

/** Waits for something that other processes do; fails after a while. */
export async function until(what: () => boolean, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!what()) {
    if (Date.now() > end) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}
