/** Our gossip and stock Serf in one cluster: both sides must see the same, whatever happens to either. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import {
  type GossipMembership,
  type GossipNotice,
  type GossipStart,
  startGossip,
} from '../../agent/gossip-thread.ts';
import { formatAddress } from '../../proto/address.ts';
import { describeWithPeers } from '../peers.ts';
import { freePort } from '../ports.ts';
import { type SerfOptions, type SerfProcess, startSerf, until } from './serf-process.ts';

const keys = ['AAECAwQFBgcICQoLDA0ODw==', 'EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8='] as const;
const memberProgram = fileURLToPath(new URL('../../dist/test/bench/gossip-member.js', import.meta.url));
/** Between SIGSTOP and SIGCONT, at least. */
const stoppedMs = 20_000;
const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((agent) => agent.stop()));
});

async function ours(name: string, options: Partial<GossipStart> = {}): Promise<GossipMembership> {
  const gossip = await startGossip({
    name,
    bind: { host: '127.0.0.1', port: 0 },
    tags: { role: 'node', id: `id-of-${name}`, rc_gossip: '1' },
    ...options,
  });
  running.push(gossip);
  return gossip;
}

async function stock(name: string, options: Partial<SerfOptions> = {}): Promise<SerfProcess> {
  const serf = await startSerf({ name, ...options });
  running.push(serf);
  return serf;
}

const hostPort = ({ local }: GossipMembership) => `${local.host}:${local.port}`;
const stateAt = (gossip: GossipMembership, name: string) =>
  gossip.members().find((member) => member.name === name)?.state;

const addressAt = (gossip: GossipMembership, name: string) => {
  const member = gossip.members().find((each) => each.name === name);
  return member?.state === 'alive' ? formatAddress(member.address) : undefined;
};
const addressIn = async (serf: SerfProcess, name: string) =>
  (await serf.members()).find((each) => each.name === name && each.status === 'alive')?.addr;

const hasRing = (gossip: GossipMembership, expected: readonly string[]) =>
  until(`the ring ${expected}`, () => {
    const ring = gossip.ring().map((key) => Buffer.from(key).toString('base64'));
    return ring.join() === expected.join();
  });

interface Mode {
  readonly sealed: Partial<GossipStart>;
  readonly encrypted: Partial<SerfOptions>;
  readonly key: readonly string[];
  /** Third byte of the address of what needs a port of its own. */
  readonly net: number;
}

const modes: readonly Mode[] = [
  { sealed: {}, encrypted: {}, key: [], net: 45 },
  { sealed: { keys: [keys[0]] }, encrypted: { encryptKey: keys[0] }, key: [keys[0]], net: 46 },
];

/** One of ours as a process of its own, which can be stopped: `NAME ADDRESS JOIN [KEY]`. */
function startMember(args: readonly string[]) {
  const child = spawn(process.execPath, [memberProgram, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  const kill = (signal: NodeJS.Signals) => child.kill(signal);
  const stop = async () => {
    kill('SIGKILL');
    await ended;
  };
  running.push({ stop });
  return { kill, said: () => said };
}

/** Waits until both sides see a member in this state. */
async function bothSee(
  gossip: GossipMembership,
  serf: SerfProcess,
  name: string,
  state: string,
): Promise<void> {
  await until(`${name} ${state} here`, () => stateAt(gossip, name) === state, 30_000);
  await until(`${name} ${state} there`, async () => (await serf.statusOf(name)) === state, 30_000);
}

describeWithPeers('in one cluster with stock Serf', ['serf'], () => {
  test.each([
    ['plain', undefined],
    ['encrypted', keys[0]],
  ])('%s: join, tags, events, queries and a goodbye from either side', async (_, key) => {
    const encrypted: Partial<SerfOptions> = key === undefined ? {} : { encryptKey: key };
    const sealed: Partial<GossipStart> = key === undefined ? {} : { keys: [key] };
    const handlers = ['user:deploy=cat > deploy.txt', 'query:uptime=echo long'];
    const serf = await stock('stock', { ...encrypted, tags: { dc: 'east' }, eventHandlers: handlers });
    const agent = await ours('agent', sealed);
    const second = await ours('second', sealed);
    expect(await agent.join([serf.hostPort])).toEqual({ joined: 1, failures: [] });
    // The other way round, and our two find each other through a stranger.
    await serf.join(hostPort(second));
    await bothSee(agent, serf, 'second', 'alive');
    await bothSee(second, serf, 'agent', 'alive');
    expect(agent.members().find(({ name }) => name === 'stock')?.tags).toEqual({ dc: 'east' });

    await agent.setTags({ id: 'id-of-agent', role: 'web' });
    await serf.setTags({ dc: 'west' });
    await until('our new tags there', async () =>
      (await serf.members()).some(({ name, tags }) => name === 'agent' && tags.role === 'web'),
    );
    await until('its new tags here', () =>
      second.members().some(({ name, tags }) => name === 'stock' && tags.dc === 'west'),
    );

    const heard: string[] = [];
    second.onUserEvent(({ name, payload }) => heard.push(`${name} ${Buffer.from(payload).toString()}`));
    await serf.event('restart', 'now');
    await agent.fireEvent({ name: 'deploy', payload: Buffer.from('v2'), coalesce: false });
    await until('both events', () => heard.length === 2);
    expect(heard.sort()).toEqual(['deploy v2', 'restart now']);
    expect(
      await until('the event at its handler', () => serf.handlerOutput('deploy.txt')?.trim() || undefined),
    ).toBe('v2');

    agent.onQuery(({ name }) => (name === 'uptime' ? Buffer.from('short') : null));
    const theirs = await serf.query('uptime', '', ['-timeout=1s', '-relay-factor=1', '-tag=role=^w.b$']);
    expect(theirs).toEqual({ acks: ['agent'], responses: { agent: 'short' } });
    const request = {
      name: 'uptime',
      payload: new Uint8Array(0),
      tags: {},
      ack: true,
      relayFactor: 2,
      timeoutMs: 1_000,
    };
    const mine = await agent.query({ ...request, nodes: ['stock', 'second'] });
    expect([...mine.acks].sort()).toEqual(['second', 'stock']);
    expect(mine.answers.map(({ from, payload }) => [from, Buffer.from(payload).toString()])).toEqual([
      ['stock', 'long\n'],
    ]);

    await second.leave({ forGood: true });
    await second.stop();
    await bothSee(agent, serf, 'second', 'left');
    await serf.leave();
    await until('its goodbye here', () => stateAt(agent, 'stock') === 'left');
  });

  test('a key is rotated without a gap, asked for by Serf and by us', async () => {
    const serf = await stock('stock', { encryptKey: keys[0] });
    const agent = await ours('agent', { keys: [keys[0]] });
    await agent.join([serf.hostPort]);
    await bothSee(agent, serf, 'agent', 'alive');
    expect(await serf.keys(`-install=${keys[1]}`)).toContain('Successfully installed key');
    await hasRing(agent, [keys[0], keys[1]]);
    expect(await serf.keys(`-use=${keys[1]}`)).toContain('Successfully changed primary key');
    await hasRing(agent, [keys[1], keys[0]]);
    expect((await agent.keys('list', '')).primaryKeys).toEqual({ [keys[1]]: 2 });
    expect(await agent.keys('remove', keys[0])).toMatchObject({ members: 2, succeeded: 2, failures: {} });
    expect(await serf.keys('-list')).toMatch(/EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8=\s+\[2\/2\]/);
    expect(await serf.keys(`-remove=${keys[1]}`)).toContain('Error');
    const refused = await agent.keys('remove', keys[1]);
    expect(Object.keys(refused.failures).sort()).toEqual(['agent', 'stock']);
    // The other way round: we go back to the old key, Serf removes the one that nobody needs any more.
    expect(await agent.keys('install', keys[0])).toMatchObject({ members: 2, succeeded: 2 });
    expect(await agent.keys('use', keys[0])).toMatchObject({ members: 2, succeeded: 2 });
    expect(await serf.keys(`-remove=${keys[1]}`)).toContain('Successfully removed key');
    await hasRing(agent, [keys[0]]);
    await bothSee(agent, serf, 'stock', 'alive');
  });

  test('whoever is killed comes back, under its address or another one; whoever is stopped for 20 s is taken back', {
    timeout: 300_000,
  }, async () => {
    // Side by side, since each of them mostly waits.
    await Promise.all(modes.flatMap((mode) => [killAndReturn(mode), stopTheirs(mode), stopOurs(mode)]));
  });

  async function killAndReturn({ sealed, encrypted }: Mode): Promise<void> {
    const serf = await stock('stock', encrypted);
    const port = await freePort('127.0.0.1');
    const agent = await ours('agent', sealed);
    const victim = await ours('victim', { ...sealed, bind: { host: '127.0.0.1', port } });
    const stockPort = await freePort('127.0.0.1');
    const stockVictim = await stock('stock-victim', {
      ...encrypted,
      port: stockPort,
      join: [serf.hostPort],
    });
    await agent.join([serf.hostPort]);
    await victim.join([serf.hostPort]);
    await bothSee(agent, serf, 'victim', 'alive');
    await bothSee(agent, serf, 'stock-victim', 'alive');

    await Promise.all([victim.stop(), stockVictim.stop()]);
    await bothSee(agent, serf, 'victim', 'failed');
    await bothSee(agent, serf, 'stock-victim', 'failed');

    const again = await ours('victim', { ...sealed, bind: { host: '127.0.0.1', port } });
    await again.join([serf.hostPort]);
    const stockAgain = await stock('stock-victim', {
      ...encrypted,
      port: stockPort,
      join: [hostPort(agent)],
    });
    await bothSee(agent, serf, 'victim', 'alive');
    await bothSee(agent, serf, 'stock-victim', 'alive');

    // Our own kind believes the same data folder at once; Serf only when it has forgotten the old one, which takes minutes.
    await again.stop();
    const moved = await ours('victim', sealed);
    await moved.join([hostPort(agent)]);
    await until('the move here', () => addressAt(agent, 'victim') === hostPort(moved), 30_000);

    // With a goodbye both are believed at once.
    await moved.leave({ forGood: false });
    await moved.stop();
    await stockAgain.leave();
    await bothSee(agent, serf, 'stock-victim', 'left');
    const third = await ours('victim', sealed);
    await third.join([serf.hostPort]);
    const stockThird = await stock('stock-victim', { ...encrypted, join: [hostPort(agent)] });
    await bothSee(agent, serf, 'stock-victim', 'alive');
    await until('its move here', () => addressAt(agent, 'stock-victim') === stockThird.hostPort, 30_000);
    const itsMove = async () => (await addressIn(serf, 'stock-victim')) === stockThird.hostPort;
    await until('its move there', itsMove, 30_000);
    await until('our move there', async () => (await addressIn(serf, 'victim')) === hostPort(third), 30_000);
  }

  async function stopTheirs({ encrypted, sealed }: Mode): Promise<void> {
    const serf = await stock('stock', encrypted);
    const sleeper = await stock('sleeper', { ...encrypted, join: [serf.hostPort] });
    const agent = await ours('agent', sealed);
    await agent.join([serf.hostPort]);
    await bothSee(agent, serf, 'sleeper', 'alive');
    sleeper.pause();
    await Promise.all([bothSee(agent, serf, 'sleeper', 'failed'), pause(stoppedMs)]);
    sleeper.resume();
    await bothSee(agent, serf, 'sleeper', 'alive');
    await until('the sleeper sees us', async () => (await sleeper.statusOf('agent')) === 'alive');
  }

  /** When it goes on, it accuses nobody. */
  async function stopOurs({ encrypted, sealed, key, net }: Mode): Promise<void> {
    const serf = await stock('stock', encrypted);
    const agent = await ours('agent', sealed);
    await agent.join([serf.hostPort]);
    const sleeper = startMember(['sleeper', `127.0.${net}.1`, serf.hostPort, ...key]);
    await bothSee(agent, serf, 'sleeper', 'alive');
    sleeper.kill('SIGSTOP');
    await Promise.all([bothSee(agent, serf, 'sleeper', 'failed'), pause(stoppedMs)]);
    sleeper.kill('SIGCONT');
    await bothSee(agent, serf, 'sleeper', 'alive');
    expect(serf.log).not.toMatch(/EventMemberFailed: (stock|agent)/);
    expect(sleeper.said()).not.toMatch(/^failed/m);
  }

  test('a stock newcomer with our name is outvoted and goes; one of ours is turned away', async () => {
    const serf = await stock('stock');
    const agent = await ours('agent');
    const notices: GossipNotice[] = [];
    agent.onNotice((notice) => notices.push(notice));
    await agent.join([serf.hostPort]);
    const witness = await ours('witness');
    await witness.join([serf.hostPort]);
    await bothSee(agent, serf, 'witness', 'alive');
    const impostor = await stock('agent');
    await impostor.join(serf.hostPort, hostPort(agent)).catch(() => {});
    await until('it has gone', () => impostor.hasEnded, 30_000);
    await until('we say so', () => notices.find(({ kind }) => kind === 'name-conflict'), 30_000);
    expect(stateAt(witness, 'agent')).toBe('alive');
    expect(addressAt(witness, 'agent')).toBe(hostPort(agent));

    const second = await ours('stock', { tags: { role: 'node', id: 'another', rc_gossip: '1' } });
    const { joined, failures } = await second.join([serf.hostPort]);
    expect([joined, failures[0]?.message]).toEqual([0, expect.stringContaining('is taken')]);
  });

  test('a label keeps us out of a cluster that has none', async () => {
    const serf = await stock('stock');
    const agent = await ours('agent', { label: 'blue' });
    expect(await agent.join([serf.hostPort])).toMatchObject({ joined: 0 });
    await serf.join(hostPort(agent)).catch(() => {});
    await until('its packets are counted', async () => (await agent.stats())['refused_bad-label']);
    expect(agent.members().map(({ name }) => name)).toEqual(['agent']);
    expect((await serf.members()).map(({ name }) => name)).toEqual(['stock']);
  });

  test('force-leave from either side turns a failed member into one that left', async () => {
    await Promise.all(modes.map((mode) => forceLeave(mode)));
  });

  async function forceLeave({ encrypted, sealed }: Mode): Promise<void> {
    const serf = await stock('stock', encrypted);
    const agent = await ours('agent', sealed);
    await agent.join([serf.hostPort]);
    const victims = [await ours('one', sealed), await ours('two', sealed)] as const;
    for (const victim of victims) await victim.join([serf.hostPort]);
    await bothSee(agent, serf, 'two', 'alive');
    await Promise.all(victims.map((victim) => victim.stop()));
    await bothSee(agent, serf, 'one', 'failed');
    await bothSee(agent, serf, 'two', 'failed');
    await serf.forceLeave('one');
    expect(await agent.forceLeave('two', { prune: true })).toBe(true);
    expect(await agent.forceLeave('nobody', { prune: false })).toBe(false);
    await bothSee(agent, serf, 'one', 'left');
    await until('two is forgotten', async () => {
      return stateAt(agent, 'two') === undefined && (await serf.statusOf('two')) === undefined;
    });
  }
});
