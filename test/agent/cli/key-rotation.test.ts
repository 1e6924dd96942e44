import { expect, test } from 'vitest';
import { followRotation, type Rotation } from '../../../agent/cli/key-rotation.ts';

test('it looks until the end, says each thing once, and makes names harmless', async () => {
  const base: Rotation = { State: 'running', Step: '', Reason: '', To: 'new', From: 'old' };
  const looks: Rotation[] = [
    base,
    { ...base, Step: 'install' },
    { ...base, Step: 'install', Reason: 'no answer from \u001bb' },
    { ...base, Step: 'install', Reason: 'no answer from \u001bb' },
    { ...base, Step: 'remove' },
    { ...base, State: 'done', Step: 'remove' },
  ];
  const said: string[] = [];
  const waits: number[] = [];
  const end = await followRotation(
    async () => looks.shift()!,
    async (line) => void said.push(line),
    async (ms) => waits.push(ms),
  );
  expect(end.State).toBe('done');
  expect(said).toEqual([
    'All members get the new key …',
    '  no answer from \u{fffd}b',
    'All members seal with it; now the others are removed …',
    'All members seal with new and have no other key.',
    'Agents that are new, or keep nothing on disk, need it as "encrypt" in their configuration.',
  ]);
  expect(waits).toHaveLength(5);
});
