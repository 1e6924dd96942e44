import { expect, test } from 'vitest';
import { lazy } from '../../proto/lazy.ts';

test('loads with the first use, and is there without a wait afterwards', async () => {
  let loads = 0;
  const part = lazy(async () => ({ serial: ++loads }));
  expect(loads).toBe(0);
  expect(await part()).toEqual({ serial: 1 });
  expect(part()).toEqual({ serial: 1 });
  expect(loads).toBe(1);
});

test('tries again after a failure', async () => {
  let loads = 0;
  const part = lazy(async () => {
    loads++;
    if (loads === 1) throw new Error('not this time');
    return loads;
  });
  await expect(part()).rejects.toThrow('not this time');
  expect(await part()).toBe(2);
});
