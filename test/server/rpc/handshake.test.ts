import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import { encodeFrame } from '../../../server/rpc/frames.ts';
import { handshakeTimeoutMs, type Shaken, shakeHands } from '../../../server/rpc/handshake.ts';
import { VirtualClock } from '../../sim/clock.ts';
import {
  type HostOptions,
  MemoryNetwork,
  type MemoryStream,
  memoryPair,
  testHost,
} from './memory-network.ts';

type Outcome = { shaken: Shaken } | { code: string; message: string; reason?: string };

const clock = new VirtualClock();
const network = new MemoryNetwork();

function host(options: Partial<HostOptions> = {}) {
  return testHost({ clock, network, ...options });
}

async function outcome(shaking: Promise<Shaken>): Promise<Outcome> {
  return shaking.then(
    (shaken) => ({ shaken }),
    (error) => ({ code: error.code, message: error.message, reason: error.reason }),
  );
}

async function meet(
  caller: Partial<HostOptions>,
  listener: Partial<HostOptions>,
  onPair = (_: MemoryStream) => {},
) {
  const [near, far] = memoryPair();
  onPair(near);
  const both = [
    outcome(shakeHands(near, 'caller', host(caller))),
    outcome(shakeHands(far, 'listener', host(listener))),
  ] as const;
  await clock.settleFor(1);
  return { caller: await both[0], listener: await both[1] };
}

/** What the listener makes of these bytes, and what it answers. */
async function strangerSays(bytes: Uint8Array, options: Partial<HostOptions> = {}) {
  const [near, far] = memoryPair();
  let answered = Buffer.alloc(0);
  near.receive({
    onData: (chunk) => {
      answered = Buffer.concat([answered, chunk]);
    },
    onDrain: () => {},
    onClose: () => {},
  });
  const result = outcome(shakeHands(far, 'listener', host(options)));
  near.write(bytes);
  await clock.settleFor(handshakeTimeoutMs + 1);
  return { outcome: await result, answered };
}

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
const a = { kind: 'agent', nodeId: 'id-a', node: 'a', clusterId: '' } as const;
const s = { kind: 'server', nodeId: 'id-s', node: 's', clusterId: 'c1' } as const;

test('both learn who the other one is', async () => {
  const met = await meet({ identity: a }, { identity: s });
  expect(met.caller).toMatchObject({ shaken: { peer: s, protocol: 1 } });
  expect(met.listener).toMatchObject({ shaken: { peer: a, protocol: 1 } });
});

test('it does not matter how the network cuts the bytes', async () => {
  const met = await meet({ identity: a, keys: [key] }, { identity: s, keys: [key] }, (near) => {
    near.pieceBytes = 1;
  });
  expect(met.listener).toMatchObject({ shaken: { peer: a } });
});

test('a process that was restarted is told from the one it was', async () => {
  const first = await meet({ identity: a, seed: 'first life' }, { identity: s });
  const second = await meet({ identity: a, seed: 'second life' }, { identity: s });
  const instances = [first, second].map(({ listener }) => 'shaken' in listener && listener.shaken.instance);
  expect(new Set(instances).size).toBe(2);
});

test('another cluster is refused on both sides, with both names', async () => {
  const met = await meet({ identity: { ...a, clusterId: 'c2' } }, { identity: s });
  expect(met.listener).toMatchObject({ code: 'FOREIGN_CLUSTER', reason: 'foreign_cluster' });
  expect(met.caller).toMatchObject({ code: 'FOREIGN_CLUSTER', message: 'cluster c1 over there, c2 here' });
});

test('an agent of the cluster that was recovered may come in on either side; an old server may not', async () => {
  const heir = { ...s, clusterId: 'c2', formerly: ['c0', 'c1'] };
  const agent = { ...a, clusterId: 'c1' };
  expect(await meet({ identity: agent }, { identity: heir })).toMatchObject({
    caller: { shaken: { peer: { clusterId: 'c2' } } },
    listener: { shaken: { peer: { nodeId: 'id-a' } } },
  });
  expect(await meet({ identity: heir }, { identity: agent })).toHaveProperty('listener.shaken');
  const foreign = { code: 'FOREIGN_CLUSTER' };
  const others = [
    { ...s, nodeId: 'id-t', clusterId: 'c1' },
    { ...a, clusterId: 'c3' },
    { ...a, clusterId: 'c1', formerly: ['c2'] },
  ];
  expect((await meet({ identity: others[0]! }, { identity: heir })).listener).toMatchObject(foreign);
  expect((await meet({ identity: others[1]! }, { identity: heir })).listener).toMatchObject(foreign);
  expect(
    (await meet({ identity: others[2]! }, { identity: { ...s, clusterId: 'c2' } })).listener,
  ).toMatchObject(foreign);
});

test('who does not know its cluster yet may come in', async () => {
  const met = await meet({ identity: s }, { identity: { ...s, nodeId: 'id-t', clusterId: '' } });
  expect(met.caller).toHaveProperty('shaken');
});

test('with the same key both prove it; during a change of keys any key of the ring will do', async () => {
  expect((await meet({ keys: [key] }, { keys: [key] })).listener).toHaveProperty('shaken');
  expect((await meet({ keys: [key, otherKey] }, { keys: [otherKey, key] })).caller).toHaveProperty('shaken');
});

test('a wrong key is refused and counted as one', async () => {
  const met = await meet({ keys: [otherKey] }, { keys: [key] });
  expect(met.listener).toMatchObject({ reason: 'key', message: 'the encrypt keys differ' });
  expect(met.caller).toMatchObject({ message: 'refused by the other side: the encrypt keys differ' });
});

test('a key on one side only is refused, and each side is told where it is missing', async () => {
  const met = await meet({ keys: [] }, { keys: [key] });
  expect(met.listener).toMatchObject({ reason: 'key' });
  expect(met.caller).toMatchObject({
    message: 'encryption is not configured here: set the same encrypt key on all',
  });
});

test('a proof that is our own, sent back, proves nothing', async () => {
  const [near, far] = memoryPair();
  const listening = outcome(shakeHands(far, 'listener', host({ keys: [key] })));
  // The mirror says everything that it hears, preamble and nonce included.
  near.receive({ onData: (chunk) => near.write(chunk), onDrain: () => {}, onClose: () => {} });
  const [callerSide, mirror] = memoryPair();
  mirror.receive({ onData: (chunk) => mirror.write(chunk), onDrain: () => {}, onClose: () => {} });
  const calling = outcome(shakeHands(callerSide, 'caller', host({ keys: [key] })));
  await clock.settleFor(handshakeTimeoutMs + 1);
  expect(await calling).toMatchObject({ reason: 'key' });
  expect(await listening).toMatchObject({ reason: 'silent' });
});

function helloBytes(changes: Record<string, unknown>): Uint8Array {
  const hello = {
    min: 1,
    max: 1,
    kind: 'agent',
    nodeId: 'x',
    node: 'x',
    clusterId: '',
    instance: new Uint8Array(8),
    nonce: new Uint8Array(32),
    proves: false,
    ...changes,
  };
  return Buffer.concat([Buffer.from('ROLL\x01'), encodeFrame('hello', 0, encode(hello))]);
}

test('a newer protocol without a common version is refused with both ranges', async () => {
  const { outcome } = await strangerSays(helloBytes({ min: 3, max: 4 }));
  expect(outcome).toMatchObject({
    reason: 'protocol',
    message: 'protocol 3–4 over there, 1–1 here: update the older one',
  });
});

test('a newer one that still speaks ours is welcome, and its unknown fields do no harm', async () => {
  const bytes = Buffer.concat([
    helloBytes({ min: 1, max: 9, colour: 'green' }),
    encodeFrame('proof', 0, new Uint8Array(0)),
  ]);
  expect((await strangerSays(bytes)).outcome).toMatchObject({ shaken: { protocol: 1 } });
});

test('strangers are told apart by their first bytes and get no answer', async () => {
  const cases: Array<[string | Uint8Array, string]> = [
    ['GET / HTTP/1.1\r\n\r\n', 'HTTP or another text protocol instead of rollcall RPC'],
    [new Uint8Array([0x16, 3, 1, 2, 0]), 'TLS instead of rollcall RPC'],
    ['ROLL\x02', 'version 2 of the handshake instead of rollcall RPC'],
    [new Uint8Array([0, 0, 0, 0, 0, 0]), 'unknown bytes instead of rollcall RPC'],
  ];
  for (const [bytes, message] of cases) {
    const { outcome, answered } = await strangerSays(Buffer.from(bytes as string));
    expect(outcome).toMatchObject({ reason: 'garbage', message });
    expect(answered).toHaveLength(0);
  }
});

test('a hello that is none, is too large or never comes', async () => {
  const preamble = Buffer.from('ROLL\x01');
  const giant = Buffer.concat([preamble, encodeFrame('hello', 0, new Uint8Array(5_000))]);
  expect((await strangerSays(giant)).outcome).toMatchObject({ reason: 'oversized' });
  const early = Buffer.concat([preamble, encodeFrame('call', 1)]);
  expect((await strangerSays(early)).outcome).toMatchObject({
    reason: 'garbage',
    message: 'call where hello was due',
  });
  expect((await strangerSays(helloBytes({ nonce: 'short' }))).outcome).toMatchObject({ reason: 'garbage' });
  expect((await strangerSays(preamble)).outcome).toMatchObject({ reason: 'silent' });
});

test('one that hangs up in the middle is counted as half', async () => {
  const [near, far] = memoryPair();
  const listening = outcome(shakeHands(far, 'listener', host()));
  near.write(Buffer.from('ROL'));
  near.end();
  await clock.settleFor(1);
  expect(await listening).toMatchObject({ reason: 'half', code: 'CONNECTION_LOST' });
});
