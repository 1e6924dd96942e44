import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealDisk } from '../../../agent/host/disk.ts';
import { writeSnapshot } from '../../../proto/store/snapshot-file.ts';
import { encodeState, viewState } from '../../../server/fsm/snapshot.ts';
import { emptyState } from '../../../server/fsm/state.ts';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-snapshot-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a snapshot is told; with one flipped bit, wherever it is, it is refused', async () => {
  const path = join(folder, 'a.snapshot');
  const membership = { voters: ['a'], outgoing: null, learners: [], addresses: {} };
  const meta = { index: 7, term: 2, membership, membershipIndex: 1 };
  const offsets = { logId: 'log', firstOffset: 1, lastOffset: 9, timeMs: 0 };
  const file = await new RealDisk().open(path, { create: true });
  const header = { meta, ...offsets, clusterId: 'c', nodeId: 'a' };
  await writeSnapshot(file, header, encodeState(viewState(emptyState('log'))));
  await file.close();
  const good = await rollcall(['snapshot', 'inspect', path, '--format', 'json']);
  expect(JSON.parse(good.out)).toMatchObject({ Index: 7, Term: 2, LastOffset: 9, Nodes: 0, Voters: 1 });
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += 13) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    writeFileSync(path, flipped);
    const { code, error } = await rollcall(['snapshot', 'inspect', path]);
    expect([at, code, error]).toEqual([
      at,
      1,
      expect.stringMatching(/a\.snapshot: (this|it|the|there|something) /),
    ]);
  }
});
