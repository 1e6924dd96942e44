import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { execForEvent } from '../../../agent/cli/exec-event.ts';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';

const event: HealthEvent = {
  ...draftEvent({ Kind: 'node.failed', Node: 'web-1' }),
  Schema: 1,
  Offset: 7,
  Time: '2026-11-22T03:12:00.000Z',
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'exec-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the command has the event on its input', async () => {
  const file = join(folder, 'out');
  expect(
    await execForEvent(`cat > ${file}; echo "$ROLLCALL_KIND $ROLLCALL_OFFSET" >> ${file}`, event, 10_000),
  ).toEqual({
    ok: true,
    message: '',
  });
  const [json, line] = readFileSync(file, 'utf8').split('\n');
  expect(JSON.parse(json!)).toEqual(event);
  expect(line).toBe('node.failed 7');
});

test('a failure is told, a command that does not read its input is none', async () => {
  expect(await execForEvent('exit 3', event, 10_000)).toEqual({
    ok: false,
    message: 'ended with exit code 3',
  });
  expect(await execForEvent('kill -TERM $$', event, 10_000)).toEqual({
    ok: false,
    message: 'was ended by SIGTERM',
  });
  expect((await execForEvent('exec true', event, 10_000)).ok).toBe(true);
});

/** Or a zombie, which somebody else has to reap. */
function isGone(pid: string): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

test('a command that never ends is ended with everything it started', async () => {
  const file = join(folder, 'pid');
  const { ok, message } = await execForEvent(`sleep 300 & echo $! > ${file}; wait`, event, 300);
  expect({ ok, message }).toEqual({ ok: false, message: 'was ended, it took longer than 300 ms' });
  const pid = readFileSync(file, 'utf8').trim();
  // The shell may be gone a moment before its child is.
  await expect.poll(() => isGone(pid), { timeout: 20_000 }).toBe(true);
});
