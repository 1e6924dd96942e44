import { expect, test } from 'vitest';
import { healthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';

test('numbered and stamped, a draft is a complete event', () => {
  const draft = draftEvent({ Kind: 'node.failed', Node: 'web-1' });
  const event = { Schema: 1, Offset: 1, Time: '2026-11-22T03:12:00.000Z', ...draft };
  expect(healthEvent.parse(event)).toEqual(event);
});
