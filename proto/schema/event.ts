/**
 * One record for every change of health. This schema is the single source: the TypeScript types, the
 * validation and the published JSON Schema are made from it. Every key is always present; what does not
 * apply is `""`, `0` or `null`.
 */
import { z } from 'zod';
import { eventKinds } from './words.ts';

export const eventKind = z.enum(eventKinds);
export type EventKind = z.infer<typeof eventKind>;

/** Why the change happened. */
export const eventCause = z.enum([
  '',
  'probe',
  'check',
  'ttl',
  'join',
  'leave',
  'operator',
  'maintenance',
  'sync',
  'reap',
  'stale',
  'overflow',
  'security',
  'raft',
]);
export type EventCause = z.infer<typeof eventCause>;

/** RFC 3339, UTC, with milliseconds: `2026-11-22T03:12:00.000Z`; `""` where it does not apply. */
const timestamp = z.string().regex(/^$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const count = z.number().int().nonnegative();

export const healthEvent = z.strictObject({
  Schema: z.literal(1).describe('Version of this record format.'),
  Offset: z
    .number()
    .int()
    .positive()
    .describe('Dense number of the event: 1, 2, 3 …, the same on all servers.'),
  Time: timestamp.describe("Leader's clock, UTC; never before the event before it."),
  ObservedAt: timestamp.describe("Clock of the agent that observed the change; '' when no agent did."),
  Kind: eventKind,
  Node: z.string(),
  Service: z.string().describe("Service id, or ''."),
  Check: z.string().describe("Check id, or ''."),
  From: z.string().describe("What the catalog held when the event was applied; '' when it held nothing."),
  To: z
    .string()
    .describe(
      "The new state of a node (alive, failed, left) or status of a check (pending, passing, warning, critical, stale); '' when the thing is gone.",
    ),
  Output: z
    .string()
    .describe('Output of the run that changed the status, bounded; a cut is marked in the text.'),
  Cause: eventCause,
  Evidence: z.json().describe('What led to the verdict (a dossier), or null.'),
  Ref: count.describe('Offset of the event that this one refers to, or 0.'),
  Life: count.describe(
    'How often the node had come back, counted by the leader; 0 when no node is concerned.',
  ),
  Revision: count.describe("Number of the record in the agent's journal, or 0."),
});
export type HealthEvent = z.infer<typeof healthEvent>;

/** An event before the log has numbered and stamped it. */
export type EventDraft = Omit<HealthEvent, 'Schema' | 'Offset' | 'Time'>;

const gapNotice = z.strictObject({
  Gap: z.strictObject({
    From: count.describe('First offset that is missing.'),
    To: count.describe('Last offset that is missing: go on after it.'),
    Reason: z.string(),
  }),
});
const positionNotice = z.strictObject({
  Position: count.describe(
    'Everything up to here was sent or passed over by the filter; also the sign of life.',
  ),
});
const errorNotice = z.strictObject({
  Error: z.strictObject({ Code: z.string(), Message: z.string() }).describe('The last record of a stream.'),
});

/** A record in a stream that is no event. */
export type StreamNotice = z.infer<typeof gapNotice | typeof positionNotice | typeof errorNotice>;

/** Whatever comes in a stream; what has an `Offset` is an event. */
export const streamRecord = z.union([
  healthEvent.meta({ id: 'event' }),
  gapNotice.meta({ id: 'gap' }),
  positionNotice.meta({ id: 'position' }),
  errorNotice.meta({ id: 'error' }),
]);
export type StreamRecord = HealthEvent | StreamNotice;
