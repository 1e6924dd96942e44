import { readFileSync } from 'node:fs';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectRpc, makeRpcHost, type RpcHost } from '../../../server/rpc/client.ts';
import { type RefusalNote, RpcListener } from '../../../server/rpc/listener.ts';
import { tcp } from '../../../server/rpc/tcp.ts';
import { type TlsMaterial, tlsNetwork } from '../../../server/rpc/tls.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SeededRandom } from '../../sim/random.ts';
import { statusOf } from './memory-network.ts';

const pem = (name: string) =>
  readFileSync(new URL(`../../fixtures/rpc-tls/${name}.pem`, import.meta.url), 'utf8');

function material(who: 'server' | 'member' | 'stranger', changes: Partial<TlsMaterial> = {}): TlsMaterial {
  return {
    ca: pem('ca'),
    cert: pem(who),
    key: pem(`${who}-key`),
    verifyIncoming: true,
    verifyOutgoing: true,
    verifyServerHostname: true,
    serverName: 'server.dc1.rollcall',
    ...changes,
  };
}

function host(network: RpcHost['network'], nodeId: string): RpcHost {
  return makeRpcHost({
    clock: new VirtualClock(),
    random: new SeededRandom(nodeId),
    network,
    identity: () => ({ kind: 'server', nodeId, node: nodeId, clusterId: '' }),
    handlers: { calls: { status: async () => statusOf(7) } },
    onBug: (error) => {
      throw error;
    },
  });
}

async function listening(rules: () => TlsMaterial | null) {
  const refused: RefusalNote[] = [];
  const listener = new RpcListener(host(tlsNetwork(rules), 'server'), {
    at: { host: '127.0.0.1', port: 0 },
    onRefused: (note) => refused.push(note),
  });
  const address = await listener.start();
  onTestFinished(() => listener.stop());
  const dial = (own: TlsMaterial | null) =>
    connectRpc(
      address,
      host(
        tlsNetwork(() => own),
        'caller',
      ),
    );
  return { listener, address, refused, dial };
}

test('both sides show a certificate of one authority and talk', async () => {
  const { dial } = await listening(() => material('server'));
  const connection = await dial(material('member'));
  expect((await connection.call('status', {})).term).toBe(7);
  await connection.close();
});

test('a caller of another authority, one without a certificate and a plain one are refused and counted', async () => {
  const { listener, address, refused, dial } = await listening(() => material('server'));
  await expect(dial(material('stranger'))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await expect(dial(material('member', { cert: '', key: '' }))).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  });
  await expect(connectRpc(address, host(tcp, 'plain'))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await expect.poll(() => listener.stats().refused_tls).toBe(3);
  expect(refused.map(({ detail }) => detail)).toContain('plain RPC where TLS is asked for');
});

test('a server of another authority is not believed', async () => {
  const { dial } = await listening(() => material('stranger', { verifyIncoming: false }));
  const failure = await dial(material('member')).catch((error) => error);
  expect(failure.message).toMatch(/TLS with 127\.0\.0\.1:\d+: unable to verify/);
});

test("a plain agent's certificate does not pass for a server's, unless nobody looks", async () => {
  const { dial } = await listening(() => material('member'));
  const failure = await dial(material('member')).catch((error) => error);
  expect(failure.message).toContain('does not match');
  const connection = await dial(material('member', { verifyServerHostname: false }));
  expect((await connection.call('status', {})).term).toBe(7);
  await connection.close();
});

test('on the way to TLS, a server that does not insist takes both', async () => {
  const { dial } = await listening(() => material('server', { verifyIncoming: false }));
  for (const rules of [null, material('member'), material('member', { verifyOutgoing: false })]) {
    const connection = await dial(rules);
    expect((await connection.call('status', {})).term).toBe(7);
    await connection.close();
  }
});

test('new certificates count for new connections and drop none', async () => {
  let rules = material('member', { verifyServerHostname: false });
  const { dial } = await listening(() => rules);
  const old = await dial(material('member', { verifyServerHostname: false }));
  rules = material('server');
  const young = await dial(material('member'));
  expect((await young.call('status', {})).term).toBe(7);
  expect((await old.call('status', {})).term).toBe(7);
  await old.close();
  await young.close();
});

test('one that hangs up before its first byte is counted as half', async () => {
  const { listener, address } = await listening(() => material('server'));
  net.connect(address.port, address.host, function connected(this: net.Socket) {
    this.destroy();
  });
  await expect.poll(() => listener.stats().refused_half).toBe(1);
});
