import { expect, test } from 'vitest';
import { Hint } from '../../../proto/store/hint.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const path = '/data/hint';

function parts(): { disk: SimDisk; clock: VirtualClock; open: (withClock?: boolean) => Hint } {
  const disk = new SimDisk({ random: new SeededRandom('hint') });
  const clock = new VirtualClock();
  return {
    disk,
    clock,
    open: (withClock = true) => new Hint(disk, path, withClock ? clock : undefined, 1000),
  };
}

test('a new log has no hint', async () => {
  expect(await parts().open().read()).toBe(0);
});

test('the newest position is noted after the delay, once for all of them', async () => {
  const { disk, clock, open } = parts();
  const hint = open();
  let writes = 0;
  disk.onOperation = ({ name }) => {
    if (name === 'write') writes++;
  };
  for (let position = 1; position <= 50; position++) hint.acknowledge(position);
  await clock.settleFor(999);
  expect(await open().read()).toBe(0);
  await clock.settleFor(1);
  expect([await open().read(), writes]).toEqual([50, 1]);
});

test('closing notes the position durably, also without a clock', async () => {
  const { disk, open } = parts();
  const hint = open(false);
  hint.acknowledge(7);
  await hint.close();
  await disk.syncFolder('/data');
  disk.crash('all');
  expect(await open().read()).toBe(7);
});

test('a hint that was damaged or cut short is no hint', async () => {
  const { disk, open } = parts();
  const hint = open();
  await hint.reset(300);
  for (let at = 0; at < 14; at++) {
    disk.flipBit(path, at, at % 8);
    expect(await open().read(), `byte ${at}`).toBe(0);
    disk.flipBit(path, at, at % 8);
  }
  expect(await open().read()).toBe(300);
});

test('it can be set back', async () => {
  const { open } = parts();
  const hint = open();
  await hint.reset(300);
  await hint.reset(200);
  expect(await open().read()).toBe(200);
});

test('a disk that cannot write it costs nothing', async () => {
  const { disk, clock, open } = parts();
  const hint = open();
  disk.failures.push({ name: 'write', code: 'EIO' });
  hint.acknowledge(5);
  await clock.settleFor(2000);
  hint.acknowledge(6);
  await clock.settleFor(2000);
  expect(await open().read()).toBe(6);
});
