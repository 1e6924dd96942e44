/**
 * What an agent knows of a change by gossip alone, with no server: the record of the event log without its number. It is
 * a hint, the log is the record; it may be late, incomplete, or missing.
 */
import { z } from 'zod';
import { healthEvent, type StreamNotice } from './event.ts';

export const localEvent = healthEvent.omit({ Offset: true }).extend({
  Time: healthEvent.shape.Time.describe('Clock of the agent that was asked, when it heard of the change.'),
  From: healthEvent.shape.From.describe(
    "What it was before, as its agent saw it; '' when there was nothing.",
  ),
  Omitted: z
    .number()
    .int()
    .nonnegative()
    .describe('Changes of checks that its agent left out since the record before, to keep the load bounded.'),
});
export type LocalEvent = z.infer<typeof localEvent>;

export type LocalRecord = LocalEvent | StreamNotice;
