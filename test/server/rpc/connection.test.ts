import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import type { EventFilter } from '../../../proto/rpc.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import type { Handlers } from '../../../server/rpc/answering.ts';
import { RpcConnection } from '../../../server/rpc/connection.ts';
import { windowBytes } from '../../../server/rpc/flow.ts';
import { encodeFrame, type FrameKind, frameKinds } from '../../../server/rpc/frames.ts';
import { shakeHands } from '../../../server/rpc/handshake.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { MemoryNetwork, type MemoryStream, memoryPair, statusOf, testHost } from './memory-network.ts';

const all: EventFilter = {
  kinds: [],
  nodes: [],
  services: [],
  checks: [],
  statuses: [],
  tags: [],
  expression: '',
};
const fromStart = { after: 0, logId: '', filter: all };

interface Pair {
  near: RpcConnection;
  far: RpcConnection;
  clock: VirtualClock;
  streams: [MemoryStream, MemoryStream];
  bugs: unknown[];
}

/** Two connected sides; `far` answers with `handlers`. */
async function connected(handlers: Handlers, nearHandlers: Handlers = {}): Promise<Pair> {
  const clock = new VirtualClock();
  const network = new MemoryNetwork();
  const bugs: unknown[] = [];
  const onBug = (error: unknown) => bugs.push(error);
  const nearHost = testHost({ clock, network, identity: { nodeId: 'near' }, handlers: nearHandlers, onBug });
  const farHost = testHost({ clock, network, identity: { nodeId: 'far' }, handlers, onBug });
  const streams = memoryPair();
  const [shakenNear, shakenFar] = await Promise.all([
    shakeHands(streams[0], 'caller', nearHost),
    shakeHands(streams[1], 'listener', farHost),
  ]);
  return {
    near: new RpcConnection(streams[0], 'caller', shakenNear, nearHost),
    far: new RpcConnection(streams[1], 'listener', shakenFar, farHost),
    clock,
    streams,
    bugs,
  };
}

async function* positions(upTo: number): AsyncGenerator<StreamRecord> {
  for (let n = 1; n <= upTo; n++) yield { Position: n };
}

function failureOf(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; data: unknown; status: number }> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error) => error,
  );
}

test('calls go both ways at once and answers find their callers, in whatever order they come', async () => {
  const releases: Array<() => void> = [];
  const { near, far } = await connected(
    {
      calls: {
        status: () =>
          new Promise((resolve) => {
            const term = releases.length;
            releases.push(() => resolve(statusOf(term)));
          }),
      },
    },
    { calls: { status: async () => statusOf(99) } },
  );
  const asked = [near.call('status', {}), near.call('status', {}), near.call('status', {})];
  expect((await far.call('status', {})).term).toBe(99);
  for (const release of releases.reverse()) release();
  expect((await Promise.all(asked)).map(({ term }) => term)).toEqual([0, 1, 2]);
});

test('the handler learns who asks', async () => {
  const { near } = await connected({
    calls: { status: async (_, peer) => ({ ...statusOf(0), leaderName: peer.nodeId }) },
  });
  expect((await near.call('status', {})).leaderName).toBe('near');
});

test('an expected error arrives as what it was: code, words, status and data', async () => {
  const { near } = await connected({
    calls: {
      status: async () => {
        throw new ExpectedError('NOT_LEADER', 'ask s2', { data: { leader: 's2' }, status: 503 });
      },
    },
  });
  const error = await failureOf(near.call('status', {}));
  expect(error).toBeInstanceOf(ExpectedError);
  expect(error).toMatchObject({ code: 'NOT_LEADER', message: 'ask s2', status: 503, data: { leader: 's2' } });
});

test('a bug in a handler is reported here and tells the caller nothing', async () => {
  const { near, bugs } = await connected({
    calls: {
      status: async () => {
        throw new TypeError('secret path /etc/x');
      },
    },
  });
  expect(await failureOf(near.call('status', {}))).toMatchObject({
    code: 'INTERNAL',
    message: 'internal error',
  });
  expect(bugs).toHaveLength(1);
});

test('a method that this side does not have is refused by name', async () => {
  const { near, bugs } = await connected({});
  expect((await failureOf(near.call('status', {}))).message).toContain('status');
  near.notify('raft.messages', { messages: [] });
  expect(bugs).toEqual([]);
});

test('a notice arrives without an answer', async () => {
  const seen: unknown[] = [];
  const { near, clock } = await connected({
    notices: { 'raft.messages': ({ messages }) => seen.push(messages) },
  });
  near.notify('raft.messages', { messages: [] });
  await clock.settleFor(1);
  expect(seen).toEqual([[]]);
});

test('whoever waits too long hears TIMEOUT, and the late answer harms nobody', async () => {
  let release = () => {};
  const { near, clock } = await connected({
    calls: {
      status: () =>
        new Promise((resolve) => {
          release = () => resolve(statusOf(1));
        }),
    },
  });
  const failure = failureOf(near.call('status', {}, { timeoutMs: 500 }));
  await clock.settleFor(501);
  expect(await failure).toMatchObject({ code: 'TIMEOUT' });
  release();
  const second = near.call('status', {}, { timeoutMs: 500 });
  await clock.settleFor(1);
  release();
  expect((await second).term).toBe(1);
});

test('a call can be given up', async () => {
  const { near } = await connected({ calls: { status: () => new Promise(() => {}) } });
  const abort = new AbortController();
  const failure = failureOf(near.call('status', {}, { signal: abort.signal }));
  abort.abort();
  expect(await failure).toMatchObject({ code: 'STOPPING' });
});

test('a stream brings every item in order and ends', async () => {
  const { near } = await connected({ streams: { 'events.read': () => positions(10_000) } });
  let last = 0;
  for await (const item of near.stream('events.read', fromStart)) {
    expect(item).toEqual({ Position: last + 1 });
    last += 1;
  }
  expect(last).toBe(10_000);
});

test('a reader that does not read stops its writer at one window, and nobody else', async () => {
  let sent = 0;
  const big = 'x'.repeat(1_000);
  const { near, clock } = await connected({
    calls: { status: async () => statusOf(5) },
    streams: {
      'events.read': async function* () {
        for (;;) {
          sent += 1;
          yield { Error: { Code: '', Message: big } };
        }
      },
    },
  });
  const reader = near.stream('events.read', fromStart)[Symbol.asyncIterator]();
  await reader.next();
  await clock.settleFor(10);
  expect(sent).toBeLessThan((windowBytes / 1_000) * 2);
  const before = sent;
  expect((await near.call('status', {})).term).toBe(5);
  for (let n = 0; n < 200; n++) await reader.next();
  await clock.settleFor(10);
  expect(sent).toBeGreaterThan(before + 100);
});

test('a reader that leaves ends the writer', async () => {
  let ended = false;
  const { near, clock } = await connected({
    streams: {
      'events.read': async function* (_params, _peer, signal) {
        yield { Position: 1 };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended = true;
      },
    },
  });
  for await (const _ of near.stream('events.read', fromStart)) break;
  await clock.settleFor(1);
  expect(ended).toBe(true);
});

test("a stream ends when its reader's signal says so, also while it waits", async () => {
  const { near, clock } = await connected({
    streams: {
      'events.read': async function* (_params, _peer, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield { Position: 1 };
      },
    },
  });
  const abort = new AbortController();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const item of near.stream('events.read', fromStart, { signal: abort.signal })) seen.push(item);
  })();
  await clock.settleFor(1);
  abort.abort();
  await reading;
  expect(seen).toEqual([]);
});

test('a failure inside of a stream comes after the items before it', async () => {
  const { near } = await connected({
    streams: {
      'events.read': async function* () {
        yield { Position: 1 };
        throw new ExpectedError('OFFSET_TRIMMED');
      },
    },
  });
  const seen: unknown[] = [];
  const failure = await failureOf(
    (async () => {
      for await (const item of near.stream('events.read', fromStart)) seen.push(item);
    })(),
  );
  expect(seen).toEqual([{ Position: 1 }]);
  expect(failure.code).toBe('OFFSET_TRIMMED');
});

test('a writer beyond its credit is broken off', async () => {
  const { near, clock, streams } = await connected({
    streams: {
      'events.read': async function* (_params, _peer, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield { Position: 1 };
      },
    },
  });
  const reader = near.stream('events.read', fromStart)[Symbol.asyncIterator]();
  const first = failureOf(
    reader
      .next()
      .then(() => reader.next())
      .then(() => reader.next()),
  );
  await clock.settleFor(1);
  for (let n = 0; n < 5; n++) streams[1].write(encodeFrame('item', 1, encode('x'.repeat(windowBytes))));
  expect(await near.closed).toMatchObject({ reason: 'oversized' });
  expect((await first).message).toContain('beyond its credit');
});

test('when the connection dies, every call and every stream says so', async () => {
  const { near, streams, clock } = await connected({
    calls: { status: () => new Promise(() => {}) },
    streams: {
      'events.read': async function* (_params, _peer, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield { Position: 1 };
      },
    },
  });
  const call = failureOf(near.call('status', {}));
  const item = failureOf(near.stream('events.read', fromStart)[Symbol.asyncIterator]().next());
  await clock.settleFor(1);
  streams[1].destroy();
  expect((await call).code).toBe('CONNECTION_LOST');
  expect((await item).code).toBe('CONNECTION_LOST');
  expect((await failureOf(near.call('status', {}))).code).toBe('CONNECTION_LOST');
});

test('bytes that stop inside of a frame are named as half of one', async () => {
  const { far, streams } = await connected({});
  streams[0].write(encodeFrame('call', 1, new Uint8Array(100)).subarray(0, 50));
  streams[0].end();
  expect(await far.closed).toMatchObject({
    reason: 'half',
    message: 'the stream ended inside of a frame (50 bytes)',
  });
});

test('garbage inside of a good frame breaks the connection off, with its name', async () => {
  for (const bad of [
    encodeFrame('call', 1, new Uint8Array([0xc1])),
    encodeFrame('open', 1, encode(['events.read', {}, Number.NaN])),
    encodeFrame('hello', 0),
    encodeFrame('notice', 0, encode({})),
  ]) {
    const { far, streams } = await connected({});
    streams[0].write(bad);
    expect(await far.closed).toMatchObject({ reason: 'garbage' });
  }
});

test('a side that falls silent is given up after three questions; one that answers is not', async () => {
  const { near, clock, streams } = await connected({});
  await clock.settleFor(60_000);
  expect(near.usable).toBe(true);
  streams[1].silent = true;
  await clock.settleFor(26_000);
  expect(await near.closed).toMatchObject({ reason: 'silent' });
});

test('whoever does not read what it asked for is broken off before it fills our memory', async () => {
  const body = 'x'.repeat(10_000_000);
  const { near, far, streams, clock } = await connected({
    calls: { status: async () => ({ ...statusOf(0), leader: body }) },
  });
  streams[0].stalled = true;
  for (let n = 0; n < 25; n++) failureOf(near.call('status', {})).catch(() => {});
  await clock.settleFor(1);
  expect(await far.closed).toMatchObject({ reason: 'slow_reader' });
});

test('goodbye: what is under way finishes, nothing new begins, streams go elsewhere', async () => {
  let release = () => {};
  const { near, far, clock } = await connected({
    calls: {
      status: () =>
        new Promise((resolve) => {
          release = () => resolve(statusOf(3));
        }),
    },
    streams: {
      'events.read': async function* (_params, _peer, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield { Position: 1 };
      },
    },
  });
  const call = near.call('status', {});
  const item = failureOf(near.stream('events.read', fromStart)[Symbol.asyncIterator]().next());
  let left = false;
  near.onLeaving(() => {
    left = true;
  });
  await clock.settleFor(1);
  const closing = far.close(1_000);
  expect((await item).code).toBe('STOPPING');
  expect(left).toBe(true);
  expect((await failureOf(near.call('status', {}))).code).toBe('CONNECTION_LOST');
  release();
  expect((await call).term).toBe(3);
  await closing;
  await clock.settleFor(1);
  expect(await near.closed).toBeUndefined();
});

test('goodbye waits no longer than it was told to', async () => {
  const { near, far, clock } = await connected({ calls: { status: () => new Promise(() => {}) } });
  const call = failureOf(near.call('status', {}));
  await clock.settleFor(1);
  const closing = far.close(500);
  await clock.settleFor(501);
  await closing;
  expect((await call).code).toBe('CONNECTION_LOST');
});

test('a cluster id that becomes known is told, and a foreign one ends the conversation', async () => {
  const { near, far, clock } = await connected({});
  near.announceCluster('c1');
  await clock.settleFor(1);
  expect(far.peer.clusterId).toBe('c1');
  near.announceCluster('c2');
  expect(await far.closed).toMatchObject({ reason: 'foreign_cluster' });
});

test('whatever a peer sends, the connection goes on or is broken off with a reason, and nothing else happens', async () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.json({ maxDepth: 2 }).map((text) => encode(JSON.parse(text))),
    fc
      .constantFrom('status', 'events.read', 'raft.messages')
      .map((method) => encode([method, fromStart, 10])),
  );
  const frame = fc.record({
    kind: fc.constantFrom(...(Object.keys(frameKinds) as FrameKind[])),
    id: fc.integer({ min: 0, max: 3 }),
    body,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
      const handlers = {
        calls: { status: async () => statusOf(1) },
        streams: { 'events.read': () => positions(5) },
        notices: { 'raft.messages': () => {} },
      };
      const { far, streams, clock, bugs } = await connected(handlers, handlers);
      for (const { kind, id, body } of frames) streams[0].write(encodeFrame(kind, id, body));
      await clock.settleFor(1);
      expect(bugs).toEqual([]);
      if (!far.usable && frames.every(({ kind }) => kind !== 'goodbye')) {
        expect(await far.closed).toHaveProperty('reason');
      }
    }),
    { numRuns: 150 },
  );
});
