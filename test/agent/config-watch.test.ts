import { expect, test } from 'vitest';
import { ConfigWatch } from '../../agent/config-watch.ts';
import { VirtualClock } from '../sim/clock.ts';

function stage() {
  const clock = new VirtualClock();
  const files = { signature: 'one', looks: 0, changes: 0 };
  const watch = new ConfigWatch({
    clock,
    signature: async () => {
      files.looks++;
      return files.signature;
    },
    onChange: () => {
      files.changes++;
    },
  });
  return { clock, watch, files };
}

test('a change counts once, and only when it stands still', async () => {
  const { clock, watch, files } = stage();
  watch.set(true);
  await clock.settleFor(10_000);
  expect(files.changes).toBe(0);
  files.signature = 'half';
  await clock.settleFor(2_000);
  files.signature = 'two';
  await clock.settleFor(2_000);
  expect(files.changes).toBe(0);
  await clock.settleFor(2_000);
  expect(files.changes).toBe(1);
  await clock.settleFor(60_000);
  expect(files.changes).toBe(1);
});

test('switched off it does not look, and what happened meanwhile is not told later', async () => {
  const { clock, watch, files } = stage();
  watch.set(true);
  await clock.settleFor(4_000);
  watch.set(false);
  const { looks } = files;
  files.signature = 'two';
  await clock.settleFor(60_000);
  expect(files.looks).toBe(looks);
  watch.set(true);
  watch.set(true);
  await clock.settleFor(60_000);
  expect(files.changes).toBe(0);
  expect(files.looks - looks).toBe(31);
  watch.stop();
});
