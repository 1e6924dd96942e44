/** What an agent knows of itself after a crash at a bad moment. */
import { expect, test } from 'vitest';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import { LocalParts } from '../../agent/local-parts.ts';
import type { DataFolder } from '../../proto/store/layout.ts';
import { define, every10s, FakeKinds } from '../checks/fakes.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const checks = [every10s({ id: 'door', failures_before_critical: 2 }), define({ id: 'job', ttl: '1h' })];
const config = {
  nodeName: 'web-1',
  services: [],
  checks,
  templates: {},
  checkDefaults: {},
  enableScriptChecks: false,
  enableLocalScriptChecks: false,
  checkOutputBytesMax: 4_096,
  discardCheckOutput: false,
  journalRecordsMax: 1_000,
  journalBytesMax: 1_000_000,
} as unknown as AgentConfig;

class Host {
  readonly clock = new VirtualClock();
  readonly kinds = new FakeKinds(this.clock);
  readonly disk = new SimDisk({ random: new SeededRandom('parts'), clock: this.clock });
  readonly lines: string[] = [];
  parts!: LocalParts;

  async start(files = checks): Promise<void> {
    const line = (text: string) => void this.lines.push(text);
    const { clock, kinds, disk } = this;
    const opening = LocalParts.open({
      config,
      disk,
      clock,
      kinds,
      folder: { part: (name: string) => name } as DataFolder,
      random: new SeededRandom('parts'),
      logger: { debug: line, info: line, warn: line, error: line },
    });
    await clock.settleFor(1_000);
    this.parts = await opening;
    this.parts.start({ ...config, checks: files });
  }

  /** The servers have taken everything. */
  async confirm(): Promise<void> {
    await this.clock.settleFor(100);
    this.parts.journal.confirm(this.parts.journal.lastRevision);
    await this.clock.settleFor(100);
  }

  row(id: string) {
    return this.parts.state.check(id);
  }
}

test('a change that the servers know and the rows on disk do not is known after the crash', async () => {
  const host = new Host();
  await host.start();
  host.parts.local.feed('job', 'passing', 'done');
  await host.clock.settleFor(20_000);
  expect(host.row('door')!.status).toBe('passing');
  host.kinds.status = 'critical';
  host.kinds.output = 'no answer';
  host.parts.local.feed('job', 'warning', 'late');
  host.parts.local.setMaintenance(null, true, 'kernel');
  while (host.row('door')!.status !== 'critical') await host.clock.settleFor(500);
  await host.confirm();
  host.disk.crash('all');

  host.kinds.tookMs = 60_000;
  await host.start();
  expect(host.row('door')).toMatchObject({ status: 'critical', output: 'no answer' });
  expect(host.row('job')).toMatchObject({ status: 'warning', output: 'late' });
  expect(host.row('_node_maintenance')).toMatchObject({ notes: 'kernel' });
  expect(host.parts.journal.length).toBe(0);
});

test('what recovered during the crash is told by its next result', async () => {
  const host = new Host();
  await host.start();
  await host.clock.settleFor(20_000);
  host.kinds.status = 'critical';
  while (host.row('door')!.status !== 'critical') await host.clock.settleFor(500);
  await host.confirm();
  host.disk.crash('all');
  host.kinds.status = 'passing';
  await host.start();
  await host.clock.settleFor(20_000);
  expect(host.row('door')!.status).toBe('passing');
  expect(host.parts.journal.pending(10)).toMatchObject([
    { kind: 'check.status', check: 'door', status: 'passing' },
  ]);
});

test('a stop in good order needs no replay, and says nothing twice', async () => {
  const host = new Host();
  await host.start();
  await host.clock.settleFor(20_000);
  const stopping = host.parts.stop();
  await host.clock.settleFor(1_000);
  await stopping;
  const last = host.parts.journal.lastRevision;
  await host.start();
  await host.clock.settleFor(20_000);
  expect(host.parts.journal.lastRevision).toBe(last);
});

test('a check that left the files while the agent was down is removed once', async () => {
  const host = new Host();
  await host.start();
  await host.clock.settleFor(3_000);
  await host.confirm();
  host.disk.crash('all');
  await host.start(checks.slice(1));
  expect(host.row('door')).toBeUndefined();
  await host.clock.settleFor(100);
  expect(host.parts.journal.pending(10)).toMatchObject([{ kind: 'check.remove', check: 'door' }]);
});
