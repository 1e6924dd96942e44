import { expect, test } from 'vitest';
import type { Rpc } from '../../proto/rpc.ts';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { eventsElsewhere } from '../../server/event-backfill.ts';
import { TestCluster, type TestServer, until } from './cluster.ts';

const consensus = { segmentBytes: 64 * 1024, trailingEntries: 5, snapshots: { entriesMax: 40 } };

async function write(cluster: TestCluster, server: TestServer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = `db-${server.consensus.events.last}`;
    const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
    const node = { name, ...host, skipUpdate: false };
    const body = { kind: 'catalog.register' as const, v: 1 as const, node, service: null, checks: [] };
    await until(cluster, server.rpc.call('catalog.write', { body, once: null }));
  }
}

/** Offsets that a listener at this server hears from the beginning on. */
function listen(server: TestServer, heard: number[]): AbortController {
  const abort = new AbortController();
  const filter = { kinds: [], nodes: [], services: [], checks: [], statuses: [], tags: [], expression: '' };
  void (async () => {
    const params = { after: 0, logId: '', filter };
    for await (const record of server.rpc.stream('events.read', params, { signal: abort.signal })) {
      if ('Offset' in record) heard.push(record.Offset);
    }
  })();
  return abort;
}

test('a server that a snapshot filled passes readers on, and then has the events itself', async () => {
  const cluster = new TestCluster('backfill');
  const leader = await cluster.grow(3, { consensus });
  const away = cluster.servers.find((server) => server !== leader)!;
  away.crash();
  await write(cluster, leader, 120);
  await away.start();
  for (let ms = 0; away.consensus.events.missing === null && ms < 5_000; ms += 20) await cluster.settle(20);
  const { missing } = away.consensus.events;
  expect(missing).not.toBeNull();
  const heard: number[] = [];
  const listening = listen(away, heard);
  await cluster.settle(100);
  expect(away.consensus.events.missing).toEqual(missing);
  expect(heard).toEqual(heard.map((_, i) => i + 1));
  expect(heard.length).toBe(leader.consensus.events.last);
  await cluster.settle(3_000);
  expect(away.consensus.events).toMatchObject({ missing: null, first: 1 });
  listening.abort();
});

test('nobody who has them is there: the hole stays, and is filled when somebody comes', async () => {
  const cluster = new TestCluster('alone with a hole');
  const leader = await cluster.grow(3, { consensus });
  const [away, third] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  away.crash();
  await write(cluster, leader, 120);
  await away.start();
  for (let ms = 0; away.consensus.events.missing === null && ms < 5_000; ms += 20) await cluster.settle(20);
  leader.crash();
  third.crash();
  await cluster.settle(5_000);
  expect(away.consensus.events.missing).not.toBeNull();
  await third.start();
  await cluster.settle(15_000);
  expect(away.consensus.events.missing).toBeNull();
});

test('what the other server has trimmed is not passed over in silence: the events end in front of it', async () => {
  const at = (Offset: number) => ({ Offset }) as HealthEvent;
  const records: StreamRecord[] = [
    at(220),
    at(221),
    { Gap: { From: 222, To: 227, Reason: 'trimmed' } },
    at(228),
  ];
  const other = {
    call: async () => ({ firstOffset: 200 }),
    async *stream() {
      yield* records;
    },
  } as unknown as Rpc;
  const heard: number[] = [];
  const servers = { others: () => ['other'], rpc: () => other };
  for await (const { Offset } of eventsElsewhere(
    servers,
    { after: 219, logId: '' },
    new AbortController().signal,
  ))
    heard.push(Offset);
  expect(heard).toEqual([220, 221]);
});
