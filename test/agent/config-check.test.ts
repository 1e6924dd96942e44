import { expect, test } from 'vitest';
import { ConfigCheck, configCheckId } from '../../agent/config-check.ts';
import { LocalState } from '../../agent/local-state.ts';
import { CheckRunner } from '../../checks/runner.ts';
import type { JournalDraft } from '../../proto/schema/journal.ts';
import { FakeKinds } from '../checks/fakes.ts';
import { VirtualClock } from '../sim/clock.ts';

function stage() {
  const clock = new VirtualClock();
  const records: JournalDraft[] = [];
  const state = new LocalState({ wallMs: () => clock.wallMs(), record: (draft) => void records.push(draft) });
  const runner = new CheckRunner({
    node: 'web-1',
    clock,
    kinds: new FakeKinds(clock),
    onChange: ({ definition, to, output, cause }) => state.changeStatus(definition.id, to, output, cause),
  });
  return { clock, records, state, runner, check: new ConfigCheck(state, runner) };
}

test('an agent whose files were never refused has no such check', () => {
  const { check, records } = stage();
  check.report(null);
  expect(records).toEqual([]);
});

test('critical from a refused reload until one works, however long that takes', async () => {
  const { check, clock, state, runner } = stage();
  check.report('a.yaml:1:1: error: no such key');
  expect(state.check(configCheckId)).toMatchObject({ status: 'critical', type: 'config' });
  check.report('b.yaml:1:1: error: no such file');
  expect(runner.view(configCheckId)!.output).toContain('b.yaml');
  await clock.settleFor(30 * 24 * 60 * 60 * 1000);
  expect(state.check(configCheckId)!.status).toBe('critical');
  check.report(null);
  expect(state.check(configCheckId)!.status).toBe('passing');
});

test('every change of it is one record for the servers', () => {
  const { check, records } = stage();
  for (const problem of ['one', 'two', null, null, 'three']) check.report(problem);
  expect(records.map((record) => ('status' in record ? record.status : record.kind))).toEqual([
    'check.put',
    'critical',
    'passing',
    'critical',
  ]);
});
