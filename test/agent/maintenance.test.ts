import { expect, test } from 'vitest';
import { LocalState } from '../../agent/local-state.ts';
import { Maintenance, type MaintenanceReasons } from '../../agent/maintenance.ts';
import type { JournalDraft } from '../../proto/schema/journal.ts';

function stage(kept: { value: MaintenanceReasons | undefined } = { value: undefined }) {
  const records: JournalDraft[] = [];
  const state = new LocalState({ wallMs: () => 0, record: (draft) => void records.push(draft) });
  const maintenance = new Maintenance(state, {
    read: () => kept.value,
    write: (value) => {
      kept.value = value;
    },
    saved: async () => {},
  });
  state.putService({
    ...{ id: 'shop', name: 'shop', tags: [], address: '', port: 0, meta: {}, taggedAddresses: {} },
    ...{ weights: { passing: 1, warning: 1 }, enableTagOverride: false, kind: '' },
  });
  return { state, maintenance, kept, records };
}

test('maintenance of node and service lasts over a restart, with its reason', () => {
  const { maintenance, kept } = stage();
  maintenance.set(null, true, '');
  maintenance.set('shop', true, 'new shelves');
  const { state, maintenance: again } = stage(kept);
  again.restore();
  expect(state.ownChecks().map(({ id, notes, status }) => [id, notes.split(',')[0], status])).toEqual([
    ['_node_maintenance', 'Maintenance mode is enabled for this node', 'critical'],
    ['_service_maintenance:shop', 'new shelves', 'critical'],
  ]);
});

test('the same again is no news, and what ended is not restored', () => {
  const { maintenance, kept, records, state } = stage();
  for (let round = 0; round < 3; round++) maintenance.set('shop', true, 'x');
  expect(records.map(({ kind }) => kind)).toEqual(['service.put', 'check.put']);
  maintenance.set('shop', false, '');
  expect(kept.value).toEqual({});
  maintenance.set('shop', true, 'y');
  state.removeService('shop');
  maintenance.save();
  expect(kept.value).toEqual({});
});

test('a service that nobody knows cannot be in maintenance', () => {
  const { maintenance, state } = stage();
  maintenance.set('nope', true, '');
  expect(state.ownChecks()).toEqual([]);
});
