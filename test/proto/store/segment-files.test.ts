import { expect, test } from 'vitest';
import { readMarker } from '../../../proto/store/scan.ts';
import {
  listSegments,
  makeSegment,
  type Place,
  prepareSegment,
  readHead,
  readWhole,
  segmentPath,
} from '../../../proto/store/segment-files.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const marker = { owner: {}, first: 1, previousFirst: 0, previousChecksum: 0, head: new Uint8Array(0) };

function place(prefix = ''): Place & { disk: SimDisk } {
  return { disk: new SimDisk({ random: new SeededRandom('files') }), folder: '/data', prefix };
}

test('names sort as numbers, and leftovers of a crash are removed', async () => {
  const here = place('a-');
  for (const name of [
    'a-0000000000000100.log',
    'a-0000000000000009.log',
    'a-next.tmp',
    'a-zeros.tmp',
    'b-next.tmp',
    'a-0000000000000100.log.damaged',
  ]) {
    await here.disk.open(`/data/${name}`, { create: true });
  }
  expect(await listSegments(here)).toEqual([9, 100]);
  expect(here.disk.paths()).toEqual([
    '/data/a-0000000000000009.log',
    '/data/a-0000000000000100.log',
    '/data/a-0000000000000100.log.damaged',
    '/data/b-next.tmp',
  ]);
});

test('a crash at any step of making a segment leaves a whole file or none', async () => {
  for (let step = 1; ; step++) {
    const here = place();
    let crashed = false;
    here.disk.onOperation = ({ number }) => {
      if (number !== step) return;
      crashed = true;
      here.disk.crash('some');
    };
    const making = makeSegment(here, marker, 8192, false);
    await Promise.race([making, new Promise((resolve) => setImmediate(resolve))]);
    here.disk.onOperation = null;
    const firsts = await listSegments(here);
    if (firsts.length > 0)
      expect(readMarker(await readWhole(here.disk, segmentPath(here, 1)))?.first).toBe(1);
    if (!crashed) break;
  }
});

test('zeros that were prepared become the segment', async () => {
  const here = place();
  await prepareSegment(here, 8192);
  const { segment } = await makeSegment(here, marker, 8192, true);
  expect(here.disk.paths()).toEqual([segment.path]);
  expect(segment.capacity).toBe(8192);
});

test('a head that is longer than what is read at first is read to its end', async () => {
  const here = place();
  const head = new Uint8Array(20_000).fill(7);
  await makeSegment(here, { ...marker, head }, 8192, false);
  const { bytes, size } = await readHead(here.disk, segmentPath(here, 1));
  expect(readMarker(bytes)?.head).toHaveLength(20_000);
  expect(size).toBeGreaterThan(20_000);
});
