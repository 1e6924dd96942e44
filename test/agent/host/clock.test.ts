import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { hostClock } from '../../../agent/host/clock.ts';

const clock = hostClock({ keepAlive: true });

function wait(delayMs: number): Promise<number> {
  return new Promise((resolve) => clock.after(delayMs, () => resolve(clock.nowMs())));
}

test('a timer never fires before its time, and never within the call', async () => {
  for (const delayMs of [0, 0.3, 1, 5.7]) {
    const start = clock.nowMs();
    expect(await wait(delayMs)).toBeGreaterThanOrEqual(start + delayMs);
  }
  let fired = false;
  const timer = clock.after(0, () => {
    fired = true;
  });
  expect(fired).toBe(false);
  timer.cancel();
  timer.cancel();
  await wait(2);
  expect(fired).toBe(false);
});

test('a delay of months does not fire at once', async () => {
  let fired = false;
  const timer = clock.after(90 * 86_400_000, () => {
    fired = true;
  });
  await wait(5);
  timer.cancel();
  expect(fired).toBe(false);
});

test('the monotonic clock goes on over restarts, and the wall clock is that of the host', () => {
  const script = 'process.stdout.write(String(Number(process.hrtime.bigint()) / 1e6))';
  const other = Number(execFileSync(process.execPath, ['-e', script]));
  const now = clock.nowMs();
  expect(other).toBeLessThanOrEqual(now);
  expect(now - other).toBeLessThan(60_000);
  expect(Math.abs(clock.wallMs() - Date.now())).toBeLessThan(1_000);
});
