import type { Socket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { addressOf } from '../../agent/gossip/addresses.ts';
import { gossipProfiles } from '../../agent/gossip/config.ts';
import { Gossip } from '../../agent/gossip/gossip.ts';
import { Keyring } from '../../agent/gossip/keyring.ts';
import type { MembershipChange } from '../../agent/gossip/membership.ts';
import { Records } from '../../agent/gossip/records.ts';
import { metaOf, ownVsn } from '../../agent/gossip/self.ts';
import { streamDone } from '../../agent/gossip/streams.ts';
import { hostClock } from '../../agent/host/clock.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { Knocker } from '../../agent/knocker.ts';
import { Transport } from '../../agent/transport.ts';
import { udpSocketFor } from '../../agent/udp.ts';

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function knockerAt(host: string): Knocker {
  const knocker = new Knocker(host);
  ends.push(() => knocker.close());
  return knocker;
}

/** Somebody who listens; `heard` gets each packet. */
async function listen(heard: (text: string) => void = () => {}, host = '127.0.0.1') {
  const socket = udpSocketFor(host);
  socket.on('message', (packet) => heard(packet.toString()));
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  let open = true;
  const close = () => {
    if (open) socket.close();
    open = false;
  };
  ends.push(close);
  return { at: { host, port: socket.address().port }, close };
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::', '127.0.0.1'],
])('from %s: the host of %s says that the port is closed', async (localHost, host) => {
  const { at, close } = await listen(() => {}, host);
  close();
  const knocker = knockerAt(localHost);
  expect(await new Promise((resolve) => knocker.knock(at, Buffer.from('?'), 60_000, resolve))).toBe(
    'unreachable',
  );
});

test('who is there gets the packet, and the host says nothing', async () => {
  const echoes: string[] = [];
  const arrived = await new Promise<string>((resolve) => {
    void listen((text) => resolve(text)).then(({ at }) =>
      knockerAt('127.0.0.1').knock(at, Buffer.from('anybody?'), 60_000, (echo) => echoes.push(echo)),
    );
  });
  expect([arrived, echoes]).toEqual(['anybody?', []]);
});

test('only so many knocks at once; further ones hear nothing and are counted', async () => {
  const { at } = await listen();
  const knocker = knockerAt('127.0.0.1');
  for (let i = 0; i < 18; i++) knocker.knock(at, Buffer.from('?'), 60_000, () => {});
  expect(knocker.counters.knocksTooMany).toBe(2);
});

test('when its time is over or all is closed, nothing is left open', async () => {
  const { at, close } = await listen();
  close();
  const knocker = new Knocker('127.0.0.1');
  const echoes: string[] = [];
  knocker.knock(at, Buffer.from('?'), 60_000, (echo) => echoes.push(echo));
  knocker.close();
  knocker.knock(at, Buffer.from('?'), 60_000, (echo) => echoes.push(echo));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(echoes).toEqual([]);
});

test('an error at a socket that has sent nothing gives a forger away, whatever was heard before or is heard then', async () => {
  const { at, close } = await listen();
  close();
  const sockets: Socket[] = [];
  const knocker = new Knocker('127.0.0.1', (host) => {
    const socket = udpSocketFor(host);
    sockets.push(socket);
    return socket;
  });
  ends.push(() => knocker.close());
  const refused = Object.assign(new Error('recvmsg'), { code: 'ECONNREFUSED' });
  const echoes: string[] = [];
  await new Promise<void>((resolve) => {
    knocker.knock(at, Buffer.from('?'), 60_000, (echo) => {
      echoes.push(echo);
      resolve();
    });
  });
  sockets[3]!.emit('error', Object.assign(new Error('recvmsg'), { code: 'EHOSTUNREACH' }));
  expect(echoes).toEqual(['unreachable']);
  for (const index of [0, 3, 4, 0]) sockets[index]!.emit('error', refused);
  expect(echoes).toEqual(['unreachable', 'forged']);
});

// A firewall that swallows TCP leaves only what the host says about UDP.
test('among members that cannot speak TCP, one whose process has ended is failed by what its host says', async () => {
  const config = {
    ...gossipProfiles.lan,
    probeIntervalMs: 200,
    probeTimeoutMs: 100,
    refusalCheckMs: 20,
    refusalGraceMs: 100,
    // Silence alone would take minutes.
    suspicionMultiplier: 1_000,
  };
  const tags = { [config.kinTag]: '1' };
  const records = new Records({ defaultPort: 8301, shared: true });
  const members = await Promise.all(['one', 'two', 'gone'].map((name) => openMember(name)));
  const known = members.map(({ name: node, transport }) => {
    const addr = addressOf(transport.local.host);
    return records.intern({ node, addr, port: transport.local.port, meta: metaOf(tags), vsn: ownVsn })!;
  });
  await members[2]!.transport.close();
  const verdict = await new Promise<MembershipChange>((resolve) => {
    for (const member of members.slice(0, 2)) {
      const { name, transport } = member;
      const gossip = new Gossip({
        name,
        advertise: transport.local,
        tags,
        config,
        label: '',
        keyring: new Keyring([new Uint8Array(16).fill(7)]),
        clock: hostClock(),
        random: hostRandom(),
        send: transport.send,
        streams: {
          exchange: (_to, _request, timeoutMs, reader) => {
            const limit = setTimeout(() => reader?.fail('timeout'), timeoutMs);
            ends.push(() => clearTimeout(limit));
          },
        },
        knock: knockerAt('127.0.0.1').knock,
        onEvent: (event) => {
          if (event.kind === 'change' && event.change.dossier !== null) resolve(event.change);
        },
        records,
        known,
      });
      member.gossip = gossip;
      ends.push(() => gossip.stop());
      gossip.start();
    }
  });
  expect(verdict).toMatchObject({
    kind: 'failed',
    member: { name: 'gone' },
    dossier: { reason: 'refused', lastProbe: { tcp: 'silence', udp: 'unreachable' } },
  });
});

async function openMember(name: string) {
  const transport = await Transport.open({
    bind: { host: '127.0.0.1', port: 0 },
    streamTimeoutMs: 1_000,
    onPacket: (from, packet) => member.gossip?.receivePacket(from, packet),
    onStream: () => ({ receive: () => streamDone, fail: () => {} }),
  });
  const member = { name, transport, gossip: null as Gossip | null };
  ends.push(() => void transport.close());
  return member;
}
