/** Runs a command of the user's for one event, with the event as JSON on its standard input. */
import { spawn } from 'node:child_process';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { LocalEvent } from '../../proto/schema/local-event.ts';

export interface ExecResult {
  readonly ok: boolean;
  /** What to tell the user when it is not ok. */
  readonly message: string;
}

/**
 * One command at a time, in a process group of its own, so that everything it started ends when its time is up. What it
 * prints goes where ours goes.
 */
export function execForEvent(
  command: string,
  event: HealthEvent | LocalEvent,
  timeoutMs: number,
): Promise<ExecResult> {
  const offset = 'Offset' in event ? String(event.Offset) : '';
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], {
      detached: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, ROLLCALL_OFFSET: offset, ROLLCALL_KIND: event.Kind },
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, timeoutMs);
    child.on('error', (error) => end(false, `could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      if (timedOut) end(false, `was ended, it took longer than ${timeoutMs} ms`);
      else if (code === 0) end(true, '');
      else end(false, code === null ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
    // A command that does not read its input closes it: no reason to fail.
    child.stdin.on('error', () => {});
    child.stdin.end(`${JSON.stringify(event)}\n`);

    function end(ok: boolean, message: string): void {
      clearTimeout(timer);
      resolve({ ok, message });
    }
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the same moment.
  }
}
