import { expect, test } from 'vitest';
import { HeldReads } from '../../../agent/http/held-reads.ts';
import { VirtualClock } from '../../sim/clock.ts';

const pager = { name: 'pager', share: '' };

function reader() {
  const clock = new VirtualClock();
  const held = new HeldReads(clock);
  const ended: number[] = [];
  const hold = (last: number) => held.hold(pager, last, () => ended.push(last));
  return { clock, held, ended, hold };
}

test('it is kept until the reader goes on behind what it was given', () => {
  const { held, ended, hold } = reader();
  hold(7);
  held.goOn(pager, 6);
  held.goOn({ ...pager, share: '1/2' }, 7);
  expect(ended).toEqual([]);
  held.goOn(pager, 7);
  held.goOn(pager, 8);
  expect(ended).toEqual([7]);
});

test('after 10 s of silence it is given up', async () => {
  const { clock, ended, hold } = reader();
  hold(7);
  await clock.settleFor(9_999);
  expect(ended).toEqual([]);
  await clock.settleFor(1);
  expect(ended).toEqual([7]);
});

test('the next one takes the place of the one before, whose time ends nothing any more', async () => {
  const { clock, held, ended, hold } = reader();
  hold(7);
  await clock.settleFor(6_000);
  hold(9);
  expect(ended).toEqual([7]);
  await clock.settleFor(6_000);
  expect(ended).toEqual([7]);
  held.goOn(pager, 9);
  expect(ended).toEqual([7, 9]);
});
