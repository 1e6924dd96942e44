import { expect, test } from 'vitest';
import { formatRecord } from '../../../agent/cli/event-text.ts';
import type { EventDraft, HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';

function line(fields: Partial<EventDraft> & Pick<EventDraft, 'Kind'>): string {
  const event: HealthEvent = {
    ...draftEvent(fields),
    Schema: 1,
    Offset: 1042,
    Time: '2026-11-22T03:12:00.000Z',
  };
  return formatRecord(event);
}

test('a check that changed', () => {
  const fields = { Node: 'web-1', Service: 'shop', Check: 'http', From: 'passing', To: 'critical' };
  expect(
    line({ Kind: 'check.changed', ...fields, Cause: 'check', Output: 'HTTP 500\nInternal error\n' }),
  ).toBe(
    '  1042  2026-11-22T03:12:00.000Z  check.changed   web-1/shop/http  passing → critical  HTTP 500 ⏎ Internal error',
  );
});

test('a node that failed, and the evidence that refers to it', () => {
  expect(line({ Kind: 'node.failed', Node: 'web-1', From: 'alive', To: 'failed', Cause: 'probe' })).toBe(
    '  1042  2026-11-22T03:12:00.000Z  node.failed     web-1  alive → failed  (by probe)',
  );
  expect(line({ Kind: 'node.evidence', Node: 'web-1', Ref: 1041, Cause: 'probe' })).toContain(
    '(by probe, to event 1041)',
  );
});

test('what came is new, what went is gone', () => {
  expect(line({ Kind: 'check.added', Node: 'a', Check: 'x', To: 'pending' })).toContain('(new) → pending');
  expect(line({ Kind: 'check.removed', Node: 'a', Check: 'x', From: 'passing' })).toContain(
    'passing → (gone)',
  );
});

test('records that are no events cannot be mistaken for one', () => {
  expect(formatRecord({ Gap: { From: 3, To: 3, Reason: 'trimmed' } })).toBe(
    '--- gap: event 3 missing (trimmed) ---',
  );
  expect(formatRecord({ Position: 7 })).toBe('--- nothing of interest up to 7 ---');
  expect(formatRecord({ Error: { Code: 'NO_LEADER', Message: 'No cluster leader' } })).toBe(
    '--- error: No cluster leader (NO_LEADER) ---',
  );
});

test('output is cut, and cannot steer the terminal', () => {
  const text = line({
    Kind: 'check.changed',
    Node: 'a',
    Check: 'x',
    Output: `\u001b]0;evil\u0007${'y'.repeat(500)}`,
  });
  expect(text).not.toContain('\u001b');
  expect(text.length).toBeLessThan(220);
  expect(text.endsWith('…')).toBe(true);
});

test('a local record has a word in place of its number, and says what was left out before it', () => {
  const draft = draftEvent({
    Kind: 'check.changed',
    Node: 'web-1',
    Check: 'http',
    From: 'passing',
    To: 'critical',
  });
  const local = { ...draft, Schema: 1 as const, Time: '2026-11-22T03:12:00.000Z', Omitted: 3 };
  expect(formatRecord(local)).toBe(
    ' local  2026-11-22T03:12:00.000Z  check.changed   web-1/http  passing → critical  (3 changes before it left out)',
  );
  expect(formatRecord({ Gap: { From: 0, To: 0, Reason: '7 local events came too fast' } })).toBe(
    '--- gap: 7 local events came too fast ---',
  );
});
