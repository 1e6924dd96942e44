import { afterEach, expect, test } from 'vitest';
import type { MembershipChange } from '../../agent/gossip/membership.ts';
import { type GossipMembership, type GossipStart, startGossip } from '../../agent/gossip-thread.ts';

const started: GossipMembership[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((gossip) => gossip.stop()));
});

async function start(name: string, options: Partial<GossipStart> = {}): Promise<GossipMembership> {
  const gossip = await startGossip({
    name,
    bind: { host: '127.0.0.1', port: 0 },
    tags: { id: `id-of-${name}`, rc_gossip: '1' },
    config: { leavePropagateMs: 50 },
    ...options,
  });
  started.push(gossip);
  return gossip;
}

const addressOf = ({ local }: GossipMembership) => `${local.host}:${local.port}`;

/** Resolves with the first change that fits. */
function change(
  gossip: GossipMembership,
  kind: MembershipChange['kind'],
  name: string,
): Promise<MembershipChange> {
  return new Promise((resolve) => {
    const end = gossip.onChange((seen) => {
      if (seen.kind !== kind || seen.member.name !== name) return;
      end();
      resolve(seen);
    });
  });
}

test('two agents find each other over real sockets, and a goodbye is no failure', async () => {
  const one = await start('one');
  const two = await start('two');
  const seen = change(one, 'joined', 'two');
  expect(await two.join([addressOf(one)])).toEqual({ joined: 1, failures: [] });
  expect((await seen).member).toMatchObject({
    name: 'two',
    state: 'alive',
    tags: { id: 'id-of-two' },
    address: two.local,
  });
  expect(
    two
      .members()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['one', 'two']);

  const left = change(one, 'left', 'two');
  await two.leave({ forGood: true });
  await two.stop();
  expect((await left).dossier).toBeNull();
  expect(one.members().find(({ name }) => name === 'two')?.state).toBe('left');
});

test('tags, user events and queries travel', async () => {
  const one = await start('one');
  const two = await start('two');
  await two.join([addressOf(one)]);
  const updated = change(one, 'updated', 'two');
  await two.setTags({ id: 'id-of-two', role: 'web' });
  expect((await updated).member.tags).toEqual({ id: 'id-of-two', role: 'web' });
  expect(two.self().tags.role).toBe('web');

  const heard = new Promise((resolve) => one.onUserEvent(resolve));
  await two.fireEvent({ name: 'deploy', payload: Buffer.from('v1'), coalesce: false });
  expect(await heard).toMatchObject({ name: 'deploy', ltime: 1, coalesce: false });

  one.onQuery(({ name }) => (name === 'uptime' ? Buffer.from('long') : null));
  const request = {
    name: 'uptime',
    payload: new Uint8Array(0),
    nodes: [],
    tags: {},
    ack: true,
    relayFactor: 0,
    timeoutMs: 400,
  };
  const { acks, answers } = await two.query(request);
  expect([...acks].sort()).toEqual(['one', 'two']);
  expect(answers.map(({ from, payload }) => [from, Buffer.from(payload).toString()])).toEqual([
    ['one', 'long'],
  ]);
});

test('joining nobody, oneself or nonsense says so for each address', async () => {
  const one = await start('one');
  const gone = await start('gone');
  await gone.stop();
  const result = await one.join([addressOf(one), addressOf(gone), 'host:port:port']);
  expect(result.joined).toBe(0);
  expect(result.failures).toMatchObject([
    { address: addressOf(one), message: 'that is this agent itself' },
    { address: addressOf(gone), message: 'connection refused: nobody listens there' },
    { address: 'host:port:port' },
  ]);
});

test('an address without a port means the port that this agent listens on', async () => {
  const one = await start('one');
  const two = await start('two', { bind: { host: '127.0.0.2', port: one.local.port } });
  expect(await two.join(['127.0.0.1'])).toEqual({ joined: 1, failures: [] });
});

test('the ring is known here as it is there, also after a rotation, and a list says who has which key', async () => {
  const [old, young] = [Buffer.alloc(32, 1), Buffer.alloc(16, 2)].map((key) => key.toString('base64'));
  const one = await start('one', { keys: [old!] });
  const two = await start('two', { keys: [old!] });
  await two.join([addressOf(one)]);
  const ring = (gossip: GossipMembership) => gossip.ring().map((key) => Buffer.from(key).toString('base64'));
  expect(ring(two)).toEqual([old]);
  expect(await one.keys('install', young!)).toMatchObject({ members: 2, succeeded: 2, silent: [] });
  await one.keys('use', young!);
  expect([ring(one), ring(two)]).toEqual([
    [young, old],
    [young, old],
  ]);
  expect(await two.keys('list', '')).toMatchObject({
    primaryKeys: { [young!]: 2 },
    rings: { one: [young, old], two: [young, old] },
  });
});

test('a name that a living member bears is refused to another agent', async () => {
  const one = await start('one');
  const usurper = await start('one', { tags: { id: 'somebody else' } });
  const notice = new Promise((resolve) => usurper.onNotice(resolve));
  const { joined, failures } = await usurper.join([addressOf(one)]);
  expect(joined).toBe(0);
  expect(failures[0]?.message).toBe(`the node name "one" is taken by a living member at ${addressOf(one)}`);
  expect(await notice).toMatchObject({ kind: 'name-taken', rival: { name: 'one', id: 'id-of-one' } });
});

test('a port in use is one clear error', async () => {
  const one = await start('one');
  await expect(start('two', { bind: one.local })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    name: 'ListenError',
  });
});

test('tags over the limit are refused at the start and later', async () => {
  const big = { notes: 'x'.repeat(600) };
  await expect(start('one', { tags: big })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  const one = await start('one');
  await expect(one.setTags(big)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('after the end every call says that the agent is stopping', async () => {
  const one = await start('one');
  await one.stop();
  await one.stop();
  await expect(one.stats()).rejects.toMatchObject({ code: 'STOPPING' });
});

test('garbage on the port is counted and dropped', async () => {
  const one = await start('one');
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  const garbage = Buffer.from('00112233445566', 'hex');
  await new Promise((resolve) => socket.send(garbage, one.local.port, one.local.host, resolve));
  socket.close();
  await expect.poll(async () => (await one.stats()).packets_received).toBe(1);
  const stats = await one.stats();
  expect(Object.keys(stats).filter((name) => name.startsWith('refused_'))).toHaveLength(1);
});
