import { expect, test } from 'vitest';
import {
  AntiEntropy,
  batchRecordsMax,
  compareIntervalMs,
  type SyncReport,
  scaleOf,
} from '../../agent/anti-entropy.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { Rpc, RpcCalls } from '../../proto/rpc.ts';
import type { JournalRecord } from '../../proto/schema/journal.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';

/** One journal, one catalog, and a line between them that can be cut. */
class Story {
  readonly clock = new VirtualClock();
  readonly reports: SyncReport[] = [];
  readonly delivered: number[] = [];
  readonly batches: number[] = [];
  /** Comparisons of digests. */
  compared: Array<{ atMs: number; revision: number }> = [];
  /** Revisions with which the rows themselves were sent. */
  readonly sent: number[] = [];
  /** What the catalog holds of this journal. */
  held = 0;
  repairs = 0;
  cut = false;
  /** Applies, then loses the answer. */
  losesAnswers = false;
  /** Answers, but keeps its row as it is. */
  stubborn = false;
  /** Runs when a digest has come in. */
  onDigest = () => {};
  members = 3;
  records: JournalRecord[] = [];
  lastRevision = 0;
  /** Records beyond it are on their way to the disk. */
  durable = Number.POSITIVE_INFINITY;
  #listeners: Array<() => void> = [];
  #connected: Array<() => void> = [];
  readonly sync: AntiEntropy;

  constructor() {
    const story = this;
    this.sync = new AntiEntropy({
      clock: this.clock,
      random: new SeededRandom('sync'),
      rpc: { call: (method: string, params: unknown) => this.#answer(method, params) } as unknown as Rpc,
      journal: {
        id: 'journal-1',
        get lastRevision() {
          return story.lastRevision;
        },
        get length() {
          return story.records.length;
        },
        pending: (limit) => this.records.filter(({ revision }) => revision <= this.durable).slice(0, limit),
        confirm: (revision) => {
          this.records = this.records.filter((record) => record.revision > revision);
        },
        onAppend: (listener) => {
          this.#listeners.push(listener);
          return () => this.#listeners.splice(0);
        },
      },
      state: { ownServices: () => [], ownChecks: () => [] },
      identity: () => ({
        node: 'web-1',
        nodeId: 'id',
        address: '127.0.0.1',
        datacenter: 'dc1',
        taggedAddresses: {},
        meta: {},
      }),
      clusterSize: () => this.members,
      onConnected: (listener) => {
        this.#connected.push(listener);
        return () => this.#connected.splice(0);
      },
      report: (report) => this.reports.push(report),
    });
  }

  append(count = 1): void {
    for (let n = 0; n < count; n++) {
      this.lastRevision += 1;
      this.records.push({
        kind: 'check.status',
        revision: this.lastRevision,
        observedAtMs: 0,
        check: 'web',
        status: 'critical',
        output: '',
        cause: 'check',
      });
      for (const listener of this.#listeners) listener();
    }
  }

  reconnect(): void {
    this.cut = false;
    for (const listener of this.#connected) listener();
  }

  async #answer(method: string, params: unknown): Promise<unknown> {
    await Promise.resolve();
    if (this.cut) throw new ExpectedError('NO_SERVERS');
    const answer = this.#answerTo(method, params as never);
    if (this.losesAnswers) throw new ExpectedError('CONNECTION_LOST');
    return answer;
  }

  #answerTo(method: string, params: never): unknown {
    if (method === 'journal.deliver') return this.#apply(params);
    return method === 'journal.digest' ? this.#digest(params) : this.#compare(params);
  }

  #digest({ revision }: RpcCalls['journal.digest']['params']) {
    this.compared.push({ atMs: this.clock.nowMs(), revision });
    this.onDigest();
    return { same: this.repairs === 0 && this.held === revision };
  }

  #apply({ records }: RpcCalls['journal.deliver']['params']) {
    this.batches.push(records.length);
    for (const { revision } of records) {
      if (this.stubborn || revision !== this.held + 1) continue;
      this.held = revision;
      this.delivered.push(revision);
    }
    return { revision: this.held };
  }

  #compare({ revision }: RpcCalls['journal.compare']['params']) {
    this.sent.push(revision);
    if (!this.stubborn) this.held = Math.max(this.held, revision);
    return { repairs: this.repairs, revision: this.held };
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

test('a change is delivered at once and forgotten when it is confirmed', async () => {
  const story = new Story();
  story.sync.start();
  story.append();
  await story.clock.settleFor(0);
  expect(story.delivered).toEqual([1]);
  expect(story.records).toEqual([]);
});

test('many changes go in batches, in order', async () => {
  const story = new Story();
  story.append(1_000);
  story.sync.start();
  await story.clock.settleFor(0);
  expect(story.delivered).toEqual(upTo(1_000));
  expect(Math.max(...story.batches)).toBe(batchRecordsMax);
});

test('while no server answers everything is kept; a connection ends the waiting', async () => {
  const story = new Story();
  story.cut = true;
  story.sync.start();
  for (let n = 0; n < 20; n++) {
    story.append();
    await story.clock.settleFor(1_000);
  }
  expect(story.records).toHaveLength(20);
  expect(story.sync.status()).toMatchObject({ lastFailure: 'No known Consul servers' });
  expect(story.reports.length).toBeLessThan(12);
  story.reconnect();
  await story.clock.settleFor(0);
  expect(story.delivered).toEqual(upTo(20));
  expect(story.reports.at(-1)).toEqual({ kind: 'recovered' });
});

test('without news of a connection it tries again by itself', async () => {
  const story = new Story();
  story.cut = true;
  story.sync.start();
  story.append();
  await story.clock.settleFor(5_000);
  story.cut = false;
  await story.clock.settleFor(16_000);
  expect(story.delivered).toEqual([1]);
});

test('when answers are lost it sends again, and nothing counts twice', async () => {
  const story = new Story();
  story.losesAnswers = true;
  story.sync.start();
  story.append(3);
  await story.clock.settleFor(2_000);
  story.losesAnswers = false;
  await story.clock.settleFor(10_000);
  expect(story.delivered).toEqual([1, 2, 3]);
  expect(story.records).toEqual([]);
});

test('everything is compared now and then, only with an empty journal, and repairs are reported', async () => {
  const story = new Story();
  story.repairs = 2;
  story.sync.start();
  story.append(5);
  await story.clock.settleFor(10 * compareIntervalMs);
  expect(story.compared.length).toBeGreaterThanOrEqual(5);
  expect(story.compared.length).toBeLessThanOrEqual(15);
  expect(story.compared.every(({ revision }) => revision === 5)).toBe(true);
  expect(story.reports).toContainEqual({ kind: 'repaired', repairs: 2 });
});

test('after a difference it looks again within seconds, and less and less often while there is one', async () => {
  const story = new Story();
  story.repairs = 1;
  story.sync.start();
  story.sync.compareSoon();
  await story.clock.settleFor(0);
  story.repairs = 0;
  await story.clock.settleFor(3_000);
  expect(story.compared.map(({ atMs }) => atMs)).toEqual([0, 3_000]);
  await story.clock.settleFor(compareIntervalMs / 2);
  expect(story.compared).toHaveLength(2);
  story.repairs = 1;
  await story.clock.settleFor(4 * compareIntervalMs);
  const gaps = story.compared.slice(3).map(({ atMs }, n) => atMs - story.compared[n + 2]!.atMs);
  expect(gaps.slice(0, 5)).toEqual([3_000, 6_000, 12_000, 24_000, 48_000]);
  expect(gaps.slice(5).every((gapMs) => gapMs >= compareIntervalMs)).toBe(true);
});

test('rows that are the same are not sent', async () => {
  const story = new Story();
  story.sync.start();
  story.append(5);
  await story.clock.settleFor(10 * compareIntervalMs);
  expect(story.compared.length).toBeGreaterThanOrEqual(5);
  expect(story.sent).toEqual([]);
  expect(story.sync.status().comparedAtMs).toBeGreaterThan(0);
});

test('what is recorded during a comparison is delivered before the rows are sent', async () => {
  const story = new Story();
  story.repairs = 1;
  story.onDigest = () => {
    story.onDigest = () => {};
    story.append();
  };
  story.sync.start();
  story.sync.compareSoon();
  await story.clock.settleFor(1_000);
  expect(story.delivered).toEqual([1]);
  expect(story.sent).toEqual([1]);
});

test('in a large cluster it compares less often', async () => {
  expect([1, 128, 129, 256, 257, 512, 513, 1_024].map(scaleOf)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  const story = new Story();
  story.members = 1_000;
  story.sync.start();
  await story.clock.settleFor(4 * compareIntervalMs - 1);
  expect(story.compared).toEqual([]);
  await story.clock.settleFor(4 * compareIntervalMs);
  expect(story.compared).toHaveLength(1);
});

test('after a connection it compares within seconds', async () => {
  const story = new Story();
  story.sync.start();
  story.reconnect();
  await story.clock.settleFor(3_000);
  expect(story.compared).toHaveLength(1);
});

test('a comparison that failed is made up for, and waits for the journal', async () => {
  const story = new Story();
  story.sync.start();
  story.cut = true;
  story.sync.compareSoon();
  await story.clock.settleFor(1);
  story.append(2);
  await story.clock.settleFor(1_000);
  story.reconnect();
  await story.clock.settleFor(0);
  expect(story.delivered).toEqual([1, 2]);
  expect(story.compared.at(-1)).toMatchObject({ revision: 2 });
});

test('a comparison waits for a record that is still on its way to the disk', async () => {
  const story = new Story();
  story.sync.start();
  story.durable = 0;
  story.append();
  story.sync.compareSoon();
  await story.clock.settleFor(1_000);
  expect(story.compared).toEqual([]);
  story.durable = 1;
  story.sync.compareSoon();
  await story.clock.settleFor(1_000);
  expect(story.delivered).toEqual([1]);
  expect(story.compared).toHaveLength(1);
});

test('a catalog that has forgotten confirmed records is set right before the journal goes on', async () => {
  const story = new Story();
  story.sync.start();
  story.append(10);
  await story.clock.settleFor(0);
  // The cluster was restored from a snapshot of long ago.
  story.held = 4;
  story.append(2);
  await story.clock.settleFor(0);
  expect(story.reports).toContainEqual({ kind: 'forgotten', confirmed: 10, held: 4 });
  expect(story.delivered.slice(-2)).toEqual([11, 12]);
  expect(story.records).toEqual([]);
});

test('a catalog that takes nothing is asked less and less often', async () => {
  const story = new Story();
  story.sync.start();
  story.append(3);
  await story.clock.settleFor(0);
  story.stubborn = true;
  story.held = 1;
  story.append();
  await story.clock.settleFor(60_000);
  expect(story.batches.length).toBeLessThan(15);
  expect(story.sync.status().lastFailure).toContain('stays at record 1');
});

test('after stop nothing is sent', async () => {
  const story = new Story();
  story.sync.start();
  await story.sync.stop();
  story.append();
  await story.clock.settleFor(5 * compareIntervalMs);
  expect(story.delivered).toEqual([]);
  expect(story.compared).toEqual([]);
});
