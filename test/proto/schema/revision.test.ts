import { expect, test } from 'vitest';
import type { JournalRecord } from '../../../proto/schema/journal.ts';
import { revisionBefore } from '../../../proto/schema/revision.ts';

test('a record follows the one before it; a gap follows what came before the gap', () => {
  const removed: JournalRecord = { kind: 'check.remove', revision: 7, observedAtMs: 0, check: 'door' };
  const lost: JournalRecord = { kind: 'lost', revision: 7, observedAtMs: 0, count: 3, sinceMs: 0 };
  expect(revisionBefore(removed)).toBe(6);
  expect(revisionBefore(lost)).toBe(4);
});
