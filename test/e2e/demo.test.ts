/** The demo's story on real processes: what a newcomer sees first must come true. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ManagedProcess } from '../../examples/demo/process.ts';

const demo = fileURLToPath(new URL('../../dist/examples/demo/demo.js', import.meta.url));

test('npm run demo -- --script comes true', { timeout: 150_000 }, async () => {
  const process = new ManagedProcess('demo', [demo, '--script']);
  const exitCode = await process.ended;
  expect(exitCode, process.lines.join('\n')).toBe(0);
  expect(process.lines.at(-1)).toMatch(/^the story came true in \d+ s$/);
});

test('an unknown argument is refused', async () => {
  const process = new ManagedProcess('demo', [demo, '--scrpt']);
  expect(await process.ended).toBe(2);
});
