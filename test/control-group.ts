/** Whether this host lets us make control groups, as tests that need one have to know. Says so when it does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostControlGroup } from '../agent/host/control-group.ts';

export async function hasControlGroups(title: string): Promise<boolean> {
  const child = spawn('/bin/sleep', ['100'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const group = hostControlGroup(`test-${process.pid}`, { pid: child.pid!, proc: `/proc/${child.pid}` });
  const entered = await group.enter();
  await group.leave();
  child.kill('SIGKILL');
  await ended;
  if (!entered) console.log(`skipped: ${title}: cgroup v2 is not writable here`);
  return entered;
}
