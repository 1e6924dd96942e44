/** Scripts that misbehave, each in one way. `sleep` is a number of seconds by which its processes are recognised. */
import type { ResultStatus } from '../../checks/check.ts';

export interface Monster {
  readonly name: string;
  readonly script: (sleep: string) => string;
  readonly status: ResultStatus;
  readonly output: RegExp;
  /** It only ends when its time is up; the others get all the time that a busy machine needs. */
  readonly hangs?: true;
  /** Keys of the definition. */
  readonly keys?: object;
}

const timedOut = /^Timed out \(300ms\) running check/;

export const monsters: readonly Monster[] = [
  {
    // Bounded to 200 processes, for the sake of whoever shares the machine; root would not be bounded.
    name: 'a fork bomb',
    script: (sleep) =>
      `ulimit -p 200 2>/dev/null || ulimit -u 200; bomb() { sleep ${sleep} & bomb | bomb & }; bomb; wait`,
    status: 'critical',
    output: timedOut,
    hangs: true,
    keys: process.getuid?.() === 0 ? { user: 'nobody' } : {},
  },
  {
    name: 'a double fork',
    script: (sleep) => `(sh -c 'sleep ${sleep} & exit' &) ; sleep 0.05; echo done`,
    status: 'passing',
    output: /^done\n$/,
  },
  {
    name: 'an escape by setsid',
    script: (sleep) => `setsid sleep ${sleep} & sleep 0.05; echo done`,
    status: 'passing',
    output: /^done\n$/,
  },
  {
    name: 'an escape that holds nothing and ignores what it can',
    script: (sleep) =>
      `setsid sh -c "trap '' HUP INT TERM; sleep ${sleep}" >/dev/null 2>&1 </dev/null & sleep 0.05; exit 1`,
    status: 'warning',
    output: /^$/,
  },
  {
    name: 'endless output',
    script: () => 'yes the same line over and over',
    status: 'critical',
    output: /^Timed out[\s\S]+the same line[\s\S]+\.\.\. cut \d+ of \d+ bytes \.\.\.\n[\s\S]+the same line/,
    hangs: true,
  },
  {
    name: 'endless output without a newline',
    script: () => 'tr "\\0" z </dev/zero',
    status: 'critical',
    output: /^Timed out[\s\S]+z{100}\n\.\.\. cut \d+/,
    hangs: true,
  },
  {
    name: 'output that is no UTF-8',
    script: () => "printf 'caf\\351 \\377\\376\\000 end'; exit 2",
    status: 'critical',
    output: /^caf\ufffd \ufffd\ufffd\0 end$/,
  },
  {
    name: 'a deaf ear for TERM',
    script: (sleep) => `trap '' TERM INT HUP; echo deaf; while :; do sleep ${sleep}; done`,
    status: 'critical',
    output: /^Timed out \(300ms\) running check\n\ndeaf\n$/,
    hangs: true,
  },
  {
    name: 'a stop of itself',
    script: () => 'kill -STOP $$; echo never',
    status: 'critical',
    output: timedOut,
    hangs: true,
  },
  {
    name: 'a stopped child that holds the output',
    script: (sleep) => `sleep ${sleep} & kill -STOP $!; echo done`,
    status: 'passing',
    output: /^done\n$/,
  },
  {
    name: 'a closed output while it runs on',
    script: (sleep) => `exec >&- 2>&-; sleep ${sleep}`,
    status: 'critical',
    output: timedOut,
    hangs: true,
  },
  {
    name: 'a deleted working folder',
    script: () => 'd=$(mktemp -d); cd "$d"; rmdir "$d"; pwd -P >/dev/null 2>&1; echo gone',
    status: 'passing',
    output: /gone\n$/,
  },
  {
    name: 'a hunger for memory',
    script: () => 'x=$(head -c 200000000 /dev/zero | tr "\\0" x); echo fed',
    status: 'critical',
    output: /./,
    keys: { limits: { memory: '64MiB' } },
  },
  {
    name: 'a hunger for descriptors',
    script: () =>
      'i=3; while [ $i -lt 9 ]; do eval "exec $i</dev/null" || exit 2; i=$((i+1)); done; echo fed',
    status: 'critical',
    output: /./,
    keys: { limits: { open_files: 6 } },
  },
  {
    name: 'a signal to its own group',
    script: () => 'kill -9 0',
    status: 'critical',
    output: /^Ended by SIGKILL$/,
  },
];
