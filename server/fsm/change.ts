/**
 * One command on its way through the state machine: where it stands in the log, what time it is by the leader's
 * stamp, and the events that it has made so far. Appliers change the state through it and never read a clock.
 */
import { assert } from '../../proto/assert.ts';
import type { CommandBody, CommandKind } from '../../proto/schema/command.ts';
import type { EventDraft, HealthEvent } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import type { Gap } from '../gaps.ts';
import type { State } from './state.ts';

/** The body of one kind of command. */
export type Body<K extends CommandKind> = Extract<CommandBody, { kind: K }>;

export class Change {
  readonly state: State;
  /** Index of the entry: becomes `modifyIndex` of what changes. */
  readonly index: number;
  /** Unix milliseconds, never before the command before. */
  readonly timeMs: number;
  readonly events: HealthEvent[] = [];
  /** Set by a trim: everything before this offset may go. */
  firstKept: number | null = null;
  /** Set by a restore: the numbers behind the last event that are passed over. */
  gap: Gap | null = null;
  #time: string | null = null;

  constructor(state: State, index: number, timeMs: number) {
    this.state = state;
    this.index = index;
    this.timeMs = timeMs;
  }

  get catalog(): State['catalog'] {
    return this.state.catalog;
  }

  /** `timeMs` as RFC 3339 with milliseconds. */
  get time(): string {
    this.#time ??= new Date(this.timeMs).toISOString();
    return this.#time;
  }

  /** Passes over all numbers up to `to`, and at least one: readers are told, and no event ever gets them. */
  skip(to: number, reason: string): void {
    const { events } = this.state;
    assert(this.gap === null && this.events.length === 0, 'a command skips once, and first');
    this.gap = { from: events.last + 1, to: Math.max(to, events.last + 1), reason };
    events.gaps = [...events.gaps, this.gap];
    events.last = this.gap.to;
  }

  /** Gives the event the next number and the command's time. Answers its offset. */
  emit(fields: Partial<EventDraft> & Pick<EventDraft, 'Kind'>): number {
    const { events } = this.state;
    events.last += 1;
    this.events.push({ Schema: 1, Offset: events.last, Time: this.time, ...draftEvent(fields) });
    return events.last;
  }
}
