/** What a large agent costs the servers while nothing happens to it: nothing. */
import { expect, test } from 'vitest';
import { AntiEntropy } from '../../agent/anti-entropy.ts';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import { LocalParts } from '../../agent/local-parts.ts';
import type { AgentIdentity } from '../../proto/schema/journal.ts';
import type { DataFolder } from '../../proto/store/layout.ts';
import { localRpc } from '../../server/rpc/local.ts';
import { define, FakeKinds } from '../checks/fakes.ts';
import { TestCluster } from '../server/cluster.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const checkCount = 5_000;
const tenMinutesMs = 600_000;

const identity: AgentIdentity = {
  ...{ node: 'web-1', nodeId: 'id-web-1', address: '10.0.0.9', datacenter: 'dc1' },
  ...{ taggedAddresses: { lan: '10.0.0.9' }, meta: { rack: '4' } },
};

function configOf(count: number): AgentConfig {
  const checks = Array.from({ length: count }, (_, n) =>
    define({ id: `check-${n}`, name: 'c', tcp: '127.0.0.1:1', interval: '2m' }),
  );
  return {
    ...{ nodeName: 'web-1', services: [], checks, templates: {}, checkDefaults: {} },
    ...{ enableScriptChecks: false, enableLocalScriptChecks: false },
    ...{ checkOutputBytesMax: 4_096, discardCheckOutput: false },
    ...{ journalRecordsMax: 100_000, journalBytesMax: 64 * 1024 * 1024 },
  } as unknown as AgentConfig;
}

test('5,000 passing checks whose output changes write nothing to the log of the servers in ten minutes', async () => {
  const cluster = new TestCluster('quiet');
  const { clock } = cluster;
  const leader = await cluster.grow(3);
  for (const server of cluster.servers) {
    server.gossip.hear('web-1', { id: identity.nodeId, host: identity.address, state: 'alive' });
  }
  const follower = cluster.servers.find((server) => server !== leader)!;
  const peer = { nodeId: identity.nodeId, node: 'web-1', kind: 'agent' as const, clusterId: '' };
  const kinds = new FakeKinds(clock);
  const config = configOf(checkCount);
  const opening = LocalParts.open({
    config,
    clock,
    kinds,
    disk: new SimDisk({ random: new SeededRandom('disk'), clock }),
    folder: { part: (name: string) => name } as DataFolder,
    random: new SeededRandom('agent'),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await clock.settleFor(1_000);
  const parts = await opening;
  const sync = new AntiEntropy({
    clock,
    random: new SeededRandom('sync'),
    rpc: localRpc(follower.handlers!, peer, clock),
    journal: parts.journal,
    state: parts.state,
    identity: () => identity,
    clusterSize: () => 4,
    onConnected: () => () => {},
    report() {},
  });
  parts.start(config);
  sync.start();
  await clock.settleFor(150_000);
  expect(parts.journal.length).toBe(0);
  expect(leader.consensus.fsm.state.catalog.checksOf('web-1')).toHaveLength(checkCount + 1);

  const lastIndex = leader.raft!.lastIndex;
  const comparedAtMs = sync.status().comparedAtMs ?? 0;
  const runs = kinds.starts.length;
  for (let minute = 0; minute < 10; minute++) {
    kinds.output = `output of minute ${minute}`;
    await clock.settleFor(tenMinutesMs / 10);
  }
  expect(kinds.starts.length - runs).toBeGreaterThanOrEqual(5 * checkCount);
  expect(parts.local.checks()[0]!.output).toContain('output of minute');
  expect(sync.status().comparedAtMs).toBeGreaterThan(comparedAtMs);
  expect(leader.raft!.lastIndex - lastIndex).toBe(0);

  kinds.status = 'critical';
  await clock.settleFor(130_000);
  expect(leader.raft!.lastIndex).toBeGreaterThan(lastIndex);
});
