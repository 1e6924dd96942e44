import { beforeEach, expect, test } from 'vitest';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { EventLog } from '../../server/event-log.ts';
import { type SubscriptionRequest, subscribe } from '../../server/subscription.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

let clock: VirtualClock;
let log: EventLog;
let firstKept: number;
let leaderLast: number | null;
let elsewhere: HealthEvent[];

beforeEach(async () => {
  clock = new VirtualClock();
  log = await openLog(0);
  firstKept = 1;
  leaderLast = null;
  elsewhere = [];
});

function openLog(last: number): Promise<EventLog> {
  const disk = new SimDisk({ random: new SeededRandom('subscription') });
  return EventLog.open(disk, '/events', { logId: 'log-1', first: 1, last, gaps: [] });
}

function event(offset: number): HealthEvent {
  const draft = draftEvent({ Kind: 'check.changed', Node: `web-${offset % 2}` });
  return { Schema: 1, Offset: offset, Time: '2026-11-22T03:12:00.000Z', ...draft };
}

function append(from: number, to: number): void {
  const events: HealthEvent[] = [];
  for (let offset = from; offset <= to; offset++) events.push(event(offset));
  log.append(events);
}

class Reader {
  readonly abort = new AbortController();
  readonly records: StreamRecord[] = [];
  failure: unknown = null;
  readonly done: Promise<void>;

  constructor(request: Partial<SubscriptionRequest>) {
    this.done = this.#run({ after: null, logId: '', matches: () => true, ...request });
  }

  async #run(request: SubscriptionRequest): Promise<void> {
    const ports = {
      source: log,
      clock,
      firstKept: () => firstKept,
      leaderLast: async () => leaderLast,
      async *elsewhere(after: number) {
        for (const one of elsewhere) if (one.Offset > after) yield one;
      },
    };
    try {
      for await (const item of subscribe(ports, request, this.abort.signal)) {
        this.records.push('event' in item ? item.event.event : item.notice);
      }
    } catch (error) {
      this.failure = error;
    }
  }

  /** What came since the last look: offsets, and notices as they are. */
  async heard(durationMs = 0): Promise<unknown[]> {
    await clock.settleFor(durationMs);
    return this.records.splice(0).map((record) => ('Offset' in record ? record.Offset : record));
  }
}

test('reads on from where it stood, then is woken by each event, once and in order', async () => {
  append(1, 3);
  const reader = new Reader({ after: 1 });
  expect(await reader.heard()).toEqual([2, 3]);
  append(4, 5);
  append(6, 6);
  expect(await reader.heard()).toEqual([4, 5, 6]);
});

test('from now says where now is, so that a lost connection costs nothing', async () => {
  append(1, 3);
  const reader = new Reader({ after: null });
  expect(await reader.heard()).toEqual([{ Position: 3 }]);
  append(4, 4);
  expect(await reader.heard()).toEqual([4]);
});

test('a quiet stream gives a sign of life every 15 s', async () => {
  append(1, 2);
  const reader = new Reader({ after: 2 });
  expect(await reader.heard(14_999)).toEqual([]);
  expect(await reader.heard(15_002)).toEqual([{ Position: 2 }, { Position: 2 }]);
});

test('a filtered reader still sees its offset advance, after every thousand that are passed over', async () => {
  append(1, 2_500);
  const reader = new Reader({ after: 0, matches: (one) => one.Offset % 1_200 === 0 });
  expect(await reader.heard()).toEqual([{ Position: 1_000 }, 1_200, { Position: 2_200 }, 2_400]);
  expect(await reader.heard(15_000)).toEqual([{ Position: 2_500 }]);
});

test('a reader whom nothing concerns still hears a sign of life on a busy log', async () => {
  const reader = new Reader({ after: 0, matches: () => false });
  for (let offset = 1; offset <= 40; offset++) {
    append(offset, offset);
    await clock.settleFor(1_000);
  }
  expect(await reader.heard()).toEqual([{ Position: 15 }, { Position: 30 }]);
});

test('what retention has dropped is an explicit gap', async () => {
  append(1, 10);
  firstKept = 6;
  await log.trim(6);
  const reader = new Reader({ after: 2 });
  const heard = await reader.heard();
  expect(heard[0]).toMatchObject({ Gap: { From: 3, To: 5 } });
  expect(heard.slice(1)).toEqual([6, 7, 8, 9, 10]);
});

test('a server that is behind waits, and only an offset beyond the leader’s last is refused', async () => {
  append(1, 3);
  leaderLast = 5;
  const ahead = new Reader({ after: 5 });
  const beyond = new Reader({ after: 6 });
  expect(await ahead.heard(5_000)).toEqual([]);
  expect(beyond.failure).toMatchObject({ code: 'OFFSET_FUTURE', data: { last: 5 } });
  append(4, 6);
  expect(await ahead.heard()).toEqual([6]);
});

test('while no leader answers, a reader that is ahead waits', async () => {
  const reader = new Reader({ after: 4 });
  await clock.settleFor(60_000);
  expect(reader.failure).toBeNull();
  append(1, 5);
  expect(await reader.heard(1_000)).toEqual([5]);
});

test('an offset of another log is refused', async () => {
  const reader = new Reader({ after: 4, logId: 'log-0' });
  await reader.done;
  expect(reader.failure).toMatchObject({ code: 'OFFSET_TRIMMED' });
});

test('what a snapshot did not bring is passed on from another server', async () => {
  log = await openLog(4);
  append(5, 6);
  elsewhere = [1, 2, 3, 4, 5].map(event);
  const reader = new Reader({ after: 1 });
  expect(await reader.heard()).toEqual([2, 3, 4, 5, 6]);
});

test('when no other server has it yet, it is asked again without haste', async () => {
  log = await openLog(4);
  append(5, 6);
  const reader = new Reader({ after: 1 });
  expect(await reader.heard(500)).toEqual([]);
  elsewhere = [2, 3, 4].map(event);
  expect(await reader.heard(1_000)).toEqual([2, 3, 4, 5, 6]);
});

test('a reader that goes away leaves nothing behind', async () => {
  const reader = new Reader({ after: 0 });
  await clock.settleFor(1);
  reader.abort.abort();
  await reader.done;
  append(1, 1);
  expect(reader.records).toEqual([]);
});

test('a reader is told of a gap in the middle, also one that stands in it', async () => {
  append(1, 3);
  const [behind, within] = [new Reader({ after: 2 }), new Reader({ after: 7 })];
  expect(await behind.heard()).toEqual([3]);
  log.skip({ from: 4, to: 9, reason: 'restored' });
  append(10, 11);
  expect(await behind.heard()).toEqual([{ Gap: { From: 4, To: 9, Reason: 'restored' } }, 10, 11]);
  expect(await within.heard(2_000)).toEqual([{ Gap: { From: 8, To: 9, Reason: 'restored' } }, 10, 11]);
});

test('a gap at the end of the log is told at once', async () => {
  append(1, 3);
  const reader = new Reader({ after: 3 });
  await reader.heard();
  log.skip({ from: 4, to: 4, reason: 'restored' });
  expect(await reader.heard()).toEqual([{ Gap: { From: 4, To: 4, Reason: 'restored' } }]);
});

test('a log that names an event and cannot hand it out is asked now and then, not without end', async () => {
  let asked = 0;
  const source = {
    logId: 'log-1',
    first: 1,
    last: 1,
    gapAt: () => undefined,
    readRecent: () => undefined,
    read: async () => {
      asked += 1;
      if (asked > 100) throw new Error('asked without end');
      return [];
    },
    onAppend: () => () => {},
  };
  const abort = new AbortController();
  const ports = { source, clock, firstKept: () => 1, leaderLast: async () => null, async *elsewhere() {} };
  const items = subscribe(ports, { after: 0, logId: '', matches: () => true }, abort.signal);
  const next = items.next();
  await clock.settleFor(5_000);
  abort.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(asked).toBeGreaterThan(1);
});
