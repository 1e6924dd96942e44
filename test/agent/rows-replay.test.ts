import { expect, test } from 'vitest';
import { RowsReplay, statesForRows } from '../../agent/rows-replay.ts';
import type { SavedCheck } from '../../checks/view.ts';
import type { OwnCheck, OwnService } from '../../proto/schema/catalog.ts';
import type { JournalDraft, JournalRecord } from '../../proto/schema/journal.ts';

function check(id: string, status = 'passing', serviceId = ''): OwnCheck {
  return { id, name: id, notes: '', status, output: '', serviceId, type: 'ttl', definition: {} };
}

const shop: OwnService = {
  ...{ id: 'shop', name: 'shop', tags: [], address: '', port: 0, meta: {}, taggedAddresses: {} },
  ...{ weights: { passing: 1, warning: 1 }, enableTagOverride: false, kind: '' },
};

type Draft = JournalDraft extends infer D ? (D extends unknown ? Omit<D, 'observedAtMs'> : never) : never;

function record(revision: number, draft: Draft): JournalRecord {
  return { ...draft, revision, observedAtMs: 0 } as JournalRecord;
}

function turned(revision: number, id: string, status: 'passing' | 'critical') {
  return record(revision, { kind: 'check.status', check: id, status, output: `${revision}`, cause: 'check' });
}

test('only what is newer than the rows is applied', () => {
  const replay = new RowsReplay({ services: [], checks: [check('a')], journalId: 'j', revision: 2 });
  replay.apply('j', turned(1, 'a', 'critical'));
  replay.apply('j', turned(2, 'a', 'passing'));
  expect(replay.rows().checks).toEqual([check('a')]);
  replay.apply('j', turned(3, 'a', 'critical'));
  expect(replay.rows().checks).toMatchObject([{ status: 'critical', output: '3' }]);
});

test('a new journal counts from 1 again, and all of it is newer', () => {
  const replay = new RowsReplay({ services: [], checks: [check('a')], journalId: 'old', revision: 900 });
  replay.apply('new', turned(1, 'a', 'critical'));
  expect(replay.rows().checks).toMatchObject([{ status: 'critical' }]);
});

test('services and checks come and go; a service takes its checks along', () => {
  const replay = new RowsReplay({ services: [], checks: [check('a')] });
  replay.apply('j', record(1, { kind: 'service.put', service: shop }));
  replay.apply('j', record(2, { kind: 'check.put', check: check('b', 'pending', 'shop') }));
  replay.apply('j', record(3, { kind: 'check.put', check: check('c') }));
  expect(replay.rows()).toMatchObject({ services: [shop], checks: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
  replay.apply('j', record(4, { kind: 'check.remove', check: 'a' }));
  replay.apply('j', record(5, { kind: 'service.remove', service: 'shop' }));
  replay.apply('j', turned(6, 'gone', 'critical'));
  expect(replay.rows()).toEqual({ services: [], checks: [check('c')] });
});

test('a state that is older than its row takes its status over and counts anew', () => {
  const state: SavedCheck = {
    ...{ id: 'a', fingerprint: 'f', status: 'passing', result: 'critical', successes: 0, failures: 1 },
    ...{ output: 'x', changeOutput: 'y', changedWallMs: 5, resultWallMs: 6 },
  };
  const rows = { services: [], checks: [{ ...check('a', 'critical'), output: 'down' }, check('b')] };
  expect(statesForRows([state, { ...state, id: 'b' }], rows, 7)).toEqual([
    { ...state, status: 'critical', output: 'down', changeOutput: 'down', result: null, failures: 0 },
    { ...state, id: 'b' },
  ]);
});

test('a state that was never written begins where its row stands', () => {
  const rows = { services: [], checks: [{ ...check('a', 'critical'), output: 'down' }] };
  expect(statesForRows([], rows, 7)).toMatchObject([
    { id: 'a', fingerprint: '', status: 'critical', output: 'down', changedWallMs: 7, resultWallMs: null },
  ]);
});
