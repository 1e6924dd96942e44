import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { preferSmallMemory, preferSpeed } from '../../../agent/cli/memory.ts';

/** Makes garbage, some of which lives for a while: that is what lets the room for new objects grow. */
function work(): void {
  let kept: unknown[] = [];
  for (let i = 0; i < 2_000_000; i++) {
    kept.push({ i });
    if (kept.length === 300_000) kept = [];
  }
}

function roomForNewObjects(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_size;
}

test('a small process gives back the room for new objects; one that wants speed takes it again', () => {
  work();
  const asNodeBegins = roomForNewObjects();
  preferSmallMemory();
  work();
  const small = roomForNewObjects();
  preferSpeed();
  work();
  expect(small).toBeLessThan(asNodeBegins);
  expect(roomForNewObjects()).toBeGreaterThan(small);
});
