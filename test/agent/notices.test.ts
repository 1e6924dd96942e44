import { expect, test } from 'vitest';
import { LocalState } from '../../agent/local-state.ts';
import { Notices } from '../../agent/notices.ts';
import type { JournalDraft } from '../../proto/schema/journal.ts';
import { VirtualClock } from '../sim/clock.ts';

function stage() {
  const clock = new VirtualClock();
  const records: JournalDraft[] = [];
  const said: string[] = [];
  const taken: string[] = [];
  const record = (draft: JournalDraft) => void records.push(draft);
  const say = (text: string) => void said.push(text);
  const state = new LocalState({ wallMs: () => clock.wallMs(), record });
  const notices = new Notices({
    clock,
    logger: { debug: say, info: say, warn: say, error: say },
    state,
    record,
    nameTaken: (text) => void taken.push(text),
  });
  return { clock, records, said, taken, state, notices };
}

const rival = { name: 'web-1', address: '10.0.0.9:8301', id: 'f00' };

test('a name that is taken ends the agent with one line that says what to do', () => {
  const { notices, taken, records } = stage();
  notices.receive({ kind: 'name-taken', rival });
  expect(taken).toHaveLength(1);
  expect(taken[0]).toMatch(
    /web-1 is taken by a living member at 10\.0\.0\.9:8301 .*choose another node_name/,
  );
  expect(records).toEqual([]);
});

test('a conflict that this agent has won goes into the event log', () => {
  const { notices, records } = stage();
  notices.receive({ kind: 'name-conflict', rival });
  expect(records).toMatchObject([
    { kind: 'notice', event: 'security.name_conflict', evidence: { Address: '10.0.0.9:8301', Id: 'f00' } },
  ]);
});

test('strangers are told with counts and sources', () => {
  const { notices, records } = stage();
  const report = {
    reasons: { 'wrong-key': 7, 'not-encrypted': 2 },
    sources: [{ host: '10.0.0.9', count: 9 }],
  };
  notices.receive({ kind: 'intrusion', report });
  expect(records).toMatchObject([
    {
      event: 'security.rejected',
      output: '9 foreign packets and streams were dropped',
      evidence: { Reasons: { 'wrong-key': 7 }, Sources: [{ Host: '10.0.0.9', Count: 9 }] },
    },
  ]);
});

test('an agent that stood still says so, as an event and as a check that recovers by itself', async () => {
  const { clock, notices, records, state } = stage();
  notices.receive({ kind: 'main-stall', stallMs: 10_400 });
  expect(records.map(({ kind }) => kind)).toEqual(['notice', 'check.put']);
  expect(state.check('agent-stalled')).toMatchObject({ status: 'critical' });
  await clock.settleFor(50_000);
  notices.receive({ kind: 'main-stall', stallMs: 3_000 });
  await clock.settleFor(50_000);
  expect(state.check('agent-stalled')?.status).toBe('critical');
  await clock.settleFor(15_000);
  expect(state.check('agent-stalled')?.status).toBe('passing');
});

test('who is seen under another address says so once for each, and remembers the last ones', () => {
  const { clock, notices, records, said } = stage();
  const seen = (address: string, by: string) => notices.receive({ kind: 'seen-elsewhere', address, by });
  seen('192.0.2.1:8301', 'web-2');
  clock.runFor(1_000);
  seen('192.0.2.1:8301', 'web-3');
  expect(said).toEqual([
    expect.stringMatching(/^web-2 sees .* from 192\.0\.2\.1:8301, which is not what it advertises/),
  ]);
  expect(notices.seenAs()).toEqual([{ address: '192.0.2.1:8301', by: 'web-3', atMs: clock.wallMs() }]);
  for (let port = 1; port <= 16; port++) seen(`192.0.2.2:${port}`, 'web-2');
  expect(said).toHaveLength(1);
  clock.runFor(60_000);
  seen('192.0.2.3:1', 'web-2');
  expect(said).toHaveLength(2);
  expect(notices.seenAs()).toHaveLength(16);
  expect(notices.seenAs().map(({ address }) => address)).not.toContain('192.0.2.1:8301');
  expect(records).toEqual([]);
});
