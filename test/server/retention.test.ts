import { expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { StoredEvent } from '../../server/recent-events.ts';
import { Retention, type RetentionLimits } from '../../server/retention.ts';
import { VirtualClock, wallStartMs } from '../sim/clock.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A log whose event n happened n days after the first day. */
function run(events: { first: number; last: number }, limits: Partial<RetentionLimits>, nowDays: number) {
  const clock = new VirtualClock();
  const proposed: CommandBody[] = [];
  const source = {
    ...events,
    async read(after: number) {
      const Time = new Date(wallStartMs + after * dayMs).toISOString();
      return [
        StoredEvent.from({ Schema: 1, Offset: after + 1, Time, ...draftEvent({ Kind: 'node.joined' }) }),
      ];
    },
  };
  const propose = async (body: CommandBody) => {
    proposed.push(body);
    throw new ExpectedError('NOT_LEADER');
  };
  const retention = new Retention({ clock, events: source, gaps: () => [], propose }, limits);
  return { clock, retention, proposed, start: () => clock.settleFor(nowDays * dayMs) };
}

test('too many: the oldest go, in slices of a hundredth', async () => {
  const full = run({ first: 1, last: 1_010 }, { eventsMax: 1_000, ageMs: 1e15 }, 0);
  full.retention.lead();
  await full.clock.settleFor(minuteMs);
  expect(full.proposed).toEqual([]);
  const over = run({ first: 1, last: 1_011 }, { eventsMax: 1_000, ageMs: 1e15 }, 0);
  over.retention.lead();
  await over.clock.settleFor(minuteMs);
  expect(over.proposed).toEqual([{ kind: 'events.trim', v: 1, firstKept: 12 }]);
});

test('too old: everything before the first that is young enough', async () => {
  const { retention, proposed, start, clock } = run({ first: 1, last: 50 }, { ageMs: 30 * dayMs }, 40);
  await start();
  retention.lead();
  await clock.settleFor(minuteMs);
  expect(proposed).toEqual([{ kind: 'events.trim', v: 1, firstKept: 12 }]);
});

test('whoever leads no longer trims nothing', async () => {
  const { retention, proposed, start } = run({ first: 1, last: 5_000 }, { eventsMax: 10 }, 1);
  retention.lead();
  retention.follow();
  await start();
  expect(proposed).toEqual([]);
});
