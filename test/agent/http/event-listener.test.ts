import { expect, onTestFinished, test } from 'vitest';
import { EventHub } from '../../../agent/http/event-hub.ts';
import { EventListener, quietMs } from '../../../agent/http/event-listener.ts';
import type { EventSink } from '../../../agent/http/event-sinks.ts';
import type { EventBatch } from '../../../agent/http/event-text.ts';
import { ServerPool } from '../../../agent/server-pool.ts';
import { everyEvent } from '../../../proto/event-filter.ts';
import type { EventFilter } from '../../../proto/rpc.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SeededRandom } from '../../sim/random.ts';
import { FakeServers } from '../fake-servers.ts';

/** A reader that can stop reading. */
class FakeSink implements EventSink {
  readonly records: StreamRecord[] = [];
  batches = 0;
  hasRoom = true;
  ended = false;
  #wake = () => {};

  write(record: StreamRecord): boolean {
    this.records.push(record);
    return this.hasRoom;
  }

  writeBatch(batch: EventBatch): boolean {
    this.batches += 1;
    for (const record of batch.records) this.write(record);
    return this.hasRoom;
  }

  async room(): Promise<void> {
    while (!this.hasRoom) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readOn(): void {
    this.hasRoom = true;
    this.#wake();
  }

  end(): void {
    this.ended = true;
  }

  get offsets(): number[] {
    return this.records.flatMap((record) => ('Offset' in record ? [record.Offset] : []));
  }
}

function setUp() {
  const clock = new VirtualClock();
  const servers = new FakeServers();
  const rpc = new ServerPool({
    clock,
    random: new SeededRandom('hub'),
    connect: (address) => servers.connect(address),
    servers: () => servers.known('s1', 's2'),
    remembered: [],
  });
  let streams = 0;
  const stream = rpc.stream.bind(rpc);
  rpc.stream = ((...args: Parameters<typeof stream>) => {
    streams += 1;
    return stream(...args);
  }) as typeof rpc.stream;
  const hub = new EventHub(rpc, clock);
  const aborts: AbortController[] = [];
  const abortAll = () => {
    for (const abort of aborts) abort.abort();
  };
  onTestFinished(abortAll);
  const listen = (after: number | null = null, filter: Partial<EventFilter> = {}) => {
    const sink = new FakeSink();
    const last = servers.log.length;
    const start = {
      request: { after, logId: '', filter: { ...everyEvent, ...filter } },
      position: after ?? last,
      last,
      logId: 'log-1',
    };
    const abort = new AbortController();
    aborts.push(abort);
    const listener = new EventListener({ rpc, clock }, hub, sink, start, abort.signal);
    void listener.run();
    return { sink, listener };
  };
  const happen = async (count: number) => {
    servers.append(count);
    // The end of a turn is real, so it takes another one until what left at its end has arrived.
    for (let turn = 0; turn < 3; turn++) await clock.settleFor(5);
  };
  return { clock, servers, listen, happen, abortAll, streams: () => streams };
}

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test('a hundred listeners cost one feed, and a burst one write each', async () => {
  const { clock, listen, happen, streams } = setUp();
  await happen(5);
  const listeners = Array.from({ length: 100 }, () => listen());
  await clock.settleFor(1);
  await happen(20);
  await happen(20);
  expect(listeners.every(({ sink }) => sink.offsets.length === 40 && sink.batches <= 2)).toBe(true);
  expect(listeners[99]!.sink.offsets).toEqual(upTo(6, 45));
  expect(streams()).toBe(1);
});

test('who comes with an old offset catches up alone and then joins, without a hole and without a double', async () => {
  const { clock, listen, happen, streams } = setUp();
  await happen(500);
  const first = listen();
  await clock.settleFor(1);
  const late = listen(100);
  await clock.settleFor(1);
  await happen(10);
  await happen(10);
  expect(late.sink.offsets).toEqual(upTo(101, 520));
  expect(first.sink.offsets).toEqual(upTo(501, 520));
  expect(streams()).toBe(2);
});

test('who cannot take more leaves the hub, misses nothing and comes back', async () => {
  const { clock, listen, happen } = setUp();
  const slow = listen();
  const quick = listen();
  await clock.settleFor(1);
  slow.sink.hasRoom = false;
  for (let n = 0; n < 50; n++) await happen(10);
  expect(quick.sink.offsets).toEqual(upTo(1, 500));
  // One batch was under way when the socket filled up; nothing is kept for it after that.
  expect(slow.sink.offsets.length).toBeLessThanOrEqual(10);
  slow.sink.readOn();
  await clock.settleFor(100);
  await happen(10);
  expect(slow.sink.offsets).toEqual(upTo(1, 510));
});

test('servers die, the feed goes on elsewhere, and no listener notices', async () => {
  const { clock, servers, listen, happen } = setUp();
  const listeners = [listen(), listen(0), listen(null, { checks: ['web'] })];
  await clock.settleFor(1);
  for (const name of ['s1', 's2', 's1', 's2']) {
    await happen(5);
    servers.kill(name);
    servers.append(5);
    servers.down.delete(name);
    await clock.settleFor(20_000);
    await happen(0);
  }
  for (const { sink } of listeners) expect(sink.offsets).toEqual(upTo(1, 40));
});

test('a filter passes over what it does not want, and says where it stands', async () => {
  const { clock, listen, happen } = setUp();
  const { sink, listener } = listen(null, { nodes: ['nobody'] });
  await clock.settleFor(1);
  await happen(2_500);
  expect(sink.offsets).toEqual([]);
  expect(sink.records).toEqual([{ Position: 0 }, { Position: 1_000 }, { Position: 2_000 }]);
  expect(listener.position).toBe(2_500);
});

test('silence is broken by a sign of life, but not into a full socket', async () => {
  const { clock, listen } = setUp();
  const awake = listen(0);
  const full = listen(0);
  full.sink.hasRoom = false;
  await clock.settleFor(4 * quietMs);
  expect(awake.sink.records.length).toBeGreaterThanOrEqual(3);
  expect(awake.sink.records.every((record) => 'Position' in record && record.Position === 0)).toBe(true);
  expect(full.sink.records).toEqual([]);
});

test('when the feed ends for good, each listener hears why and is let go', async () => {
  const { servers, listen, happen } = setUp();
  const listeners = [listen(0), listen(0)];
  await happen(3);
  servers.log.push({ Error: { Code: 'OFFSET_TRIMMED', Message: 'the log was replaced' } });
  servers.wake();
  await happen(0);
  for (const { sink } of listeners) {
    expect(sink.offsets).toEqual([1, 2, 3]);
    expect([sink.ended, sink.records.at(-1)]).toMatchObject([true, { Error: { Code: 'OFFSET_TRIMMED' } }]);
  }
});

test('at the end everybody is told', async () => {
  const { clock, listen, happen, abortAll } = setUp();
  const { sink } = listen();
  await happen(1);
  abortAll();
  await clock.settleFor(1);
  expect([sink.ended, sink.records.at(-1)]).toMatchObject([true, { Error: { Code: 'STOPPING' } }]);
});
