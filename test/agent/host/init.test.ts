import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const init = fileURLToPath(new URL('../../../agent/host/init.sh', import.meta.url));
/** A PID namespace of its own needs rights that not every host gives. */
const canUnshare = spawnSync('unshare', ['-pf', '--mount-proc', 'true']).status === 0;

test('it ends with the code of its program, and says how it is used', () => {
  expect(spawnSync('/bin/sh', [init, '/bin/sh', '-c', 'exit 7']).status).toBe(7);
  expect(spawnSync('/bin/sh', [init]).status).toBe(64);
});

test('a signal reaches the program, which decides when it is over', async () => {
  const program = `trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done`;
  const child = spawn('/bin/sh', [init, '/bin/sh', '-c', program]);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
    if (said === 'ready\n') child.kill('SIGTERM');
  });
  const [code] = await once(child, 'exit');
  expect([code, said]).toEqual([5, 'ready\nbye\n']);
});

test.runIf(canUnshare)('as PID 1 it leaves no zombie of an orphan', () => {
  // The orphan's parent is gone when it ends, so PID 1 inherits it.
  const program = `(sleep 0.05 & exit) ; sleep 0.2; cat /proc/[0-9]*/stat | awk '{ print $3 }' | grep -c Z; exit 0`;
  const run = spawnSync('unshare', ['-pf', '--mount-proc', '/bin/sh', init, '/bin/sh', '-c', program]);
  expect(run.stdout.toString()).toBe('0\n');
});

test.runIf(canUnshare)(
  'a program as PID 1 that does not reap does leave one, so the test above can fail',
  () => {
    const program = `require('child_process').spawn('/bin/sh', ['-c', '(sleep 0.05 & exit); exit']);
    setTimeout(() => {
      const fs = require('fs');
      const stats = fs.readdirSync('/proc').filter((n) => /^[0-9]+$/.test(n)).map((n) => fs.readFileSync('/proc/' + n + '/stat', 'latin1'));
      console.log(stats.filter((s) => /\\) Z /.test(s)).length);
    }, 250);`;
    const run = spawnSync('unshare', ['-pf', '--mount-proc', process.execPath, '-e', program]);
    expect(run.stdout.toString()).toBe('1\n');
  },
);
