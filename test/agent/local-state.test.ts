import { expect, test } from 'vitest';
import { LocalState } from '../../agent/local-state.ts';
import type { OwnCheck, OwnService } from '../../proto/schema/catalog.ts';
import type { JournalDraft } from '../../proto/schema/journal.ts';

const shop: OwnService = {
  id: 'shop',
  name: 'shop',
  tags: [],
  address: '',
  port: 80,
  meta: {},
  taggedAddresses: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  kind: '',
};

const door: OwnCheck = {
  id: 'door',
  name: 'the door opens',
  notes: '',
  status: 'pending',
  output: '',
  serviceId: 'shop',
  type: 'tcp',
  definition: {},
};

function newState(saved?: ConstructorParameters<typeof LocalState>[1]) {
  const records: JournalDraft[] = [];
  const ports = { wallMs: () => 1_000, record: (draft: JournalDraft) => void records.push(draft) };
  return { state: new LocalState(ports, saved), records };
}

test('only differences are recorded, each with its time', () => {
  const { state, records } = newState();
  state.putService(shop);
  state.putService({ ...shop });
  state.putCheck(door);
  state.changeStatus('door', 'passing', 'open', 'check');
  state.changeStatus('door', 'passing', 'still open', 'check');
  state.changeStatus('door', 'critical', 'stuck', 'check');
  expect(records.map(({ kind }) => kind)).toEqual([
    'service.put',
    'check.put',
    'check.status',
    'check.status',
  ]);
  expect(records[3]).toEqual({
    kind: 'check.status',
    check: 'door',
    status: 'critical',
    output: 'stuck',
    cause: 'check',
    observedAtMs: 1_000,
  });
});

test('the output of a row is that of the last change of status', () => {
  const { state } = newState();
  state.putCheck(door);
  state.changeStatus('door', 'passing', 'open', 'check');
  state.changeStatus('door', 'passing', 'open since noon', 'check');
  expect(state.check('door')?.output).toBe('open');
});

test('a changed definition keeps the status', () => {
  const { state, records } = newState();
  state.putCheck(door);
  state.changeStatus('door', 'passing', 'open', 'check');
  state.putCheck({ ...door, notes: 'ask Ann' });
  expect(records.at(-1)).toMatchObject({
    kind: 'check.put',
    check: { status: 'passing', output: 'open', notes: 'ask Ann' },
  });
});

test('a service takes its checks with it, in one record', () => {
  const { state, records } = newState({
    services: [shop],
    checks: [door, { ...door, id: 'disk', serviceId: '' }],
  });
  state.removeService('shop');
  expect(state.ownChecks().map(({ id }) => id)).toEqual(['disk']);
  expect(records).toMatchObject([{ kind: 'service.remove', service: 'shop' }]);
});

test('after a restart only what differs is recorded', () => {
  const before = newState();
  before.state.putService(shop);
  before.state.putCheck(door);
  const saved = { services: before.state.ownServices(), checks: before.state.ownChecks() };
  const { state, records } = newState(saved);
  state.putService({ ...shop, port: 81 });
  state.putCheck(door);
  expect(records).toMatchObject([{ kind: 'service.put', service: { port: 81 } }]);
});

test('removing what is not there records nothing', () => {
  const { state, records } = newState();
  state.removeCheck('nope');
  state.removeService('nope');
  expect(records).toEqual([]);
});

test('who listens hears each change of status once, with what it was before', () => {
  const { state } = newState();
  state.putService(shop);
  state.putCheck(door);
  const heard: string[] = [];
  const end = state.onStatusMove(({ check, from, to, cause, observedAtMs }) =>
    heard.push(`${check.serviceId}/${check.id} ${from}→${to} by ${cause} at ${observedAtMs}`),
  );
  state.changeStatus('door', 'critical', 'refused', 'check');
  state.changeStatus('door', 'critical', 'refused again', 'check');
  end();
  state.changeStatus('door', 'passing', '', 'check');
  expect(heard).toEqual(['shop/door pending→critical by check at 1000']);
});
