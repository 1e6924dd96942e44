/**
 * A random schedule from one seed: messages lost, doubled and out of order, slow disks, crashes, cuts, transfers,
 * snapshots and membership changes. First anything may happen and nothing may be wrong; then everything heals and
 * the servers must agree within bounded time.
 */
import { assert } from '../../../proto/assert.ts';
import type { Random } from '../../../proto/ports.ts';
import type { RaftMessage, ServerId } from '../../../proto/raft.ts';
import { encodeMembership } from '../../../server/raft/membership.ts';
import { MemoryLog, membershipOf, randomOf, TestServer } from './harness.ts';
import { Invariants } from './invariants.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];

interface Action {
  readonly weight: number;
  readonly run: (server: TestServer) => void;
}

interface OpenRead {
  readonly server: ServerId;
  /** What somebody knew to be committed when the read began. */
  readonly atLeast: number;
}

export class Schedule {
  readonly counts = { elections: 0, committed: 0, reads: 0, changes: 0, installs: 0 };
  private readonly random: Random;
  private readonly invariants = new Invariants();
  private readonly servers: TestServer[] = [];
  private readonly lives = new Map<ServerId, number>();
  private readonly down = new Set<ServerId>();
  private readonly cuts = new Set<string>();
  private readonly electionTicks: number;
  private mail: RaftMessage[] = [];
  private reads = new Map<number, OpenRead>();
  private nextContext = 1;
  private nextCommand = 1;
  private readonly actions: Action[];

  constructor(seed: number) {
    this.random = randomOf(seed);
    this.electionTicks = 4 + this.below(7);
    const voters = ids.slice(0, 3 + 2 * this.below(2));
    for (const id of ids) this.servers.push(this.create(id, voters));
    this.actions = this.drawActions();
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.act();
      this.lookAtTouched();
    }
  }

  /** Heals everything; returns the ticks until all agree. */
  converge(): number {
    this.cuts.clear();
    for (const server of this.servers) {
      if (this.down.has(server.id)) this.restart(server);
      server.disk.coldTo = 0;
      server.core.loaded();
      server.promptDisk = true;
      this.post(server.flush(Number.POSITIVE_INFINITY));
      this.post(server.drain());
    }
    const ticksMax = 60 * this.electionTicks;
    for (let ticks = 0; ticks < ticksMax; ticks++) {
      for (const server of this.servers) this.post(server.tick());
      this.deliverAll();
      if (this.agrees()) return ticks;
    }
    throw new Error(`no agreement within ${ticksMax} ticks`);
  }

  private get up(): TestServer[] {
    return this.servers.filter(({ id }) => !this.down.has(id));
  }

  private create(id: ServerId, voters: readonly ServerId[]): TestServer {
    const disk = new MemoryLog();
    if (voters.includes(id)) {
      const data = encodeMembership(membershipOf(voters));
      const entries = [{ index: 1, term: 1, kind: 'membership', data }] as const;
      disk.write({ token: 0, cutFrom: null, entries, hardState: { term: 1, vote: null, commit: 1 } });
    }
    const limits = {
      electionTicks: this.electionTicks,
      appendBytesMax: 40 + this.below(400),
      inflightMax: 1 + this.below(8),
      inflightBytesMax: 100 + this.below(1000),
      uncommittedBytesMax: 400 + this.below(4000),
      applyBytesMax: 40 + this.below(1000),
      snapshotTicks: 3 * this.electionTicks,
    };
    const random = randomOf(this.below(2 ** 31));
    const server = new TestServer({ id, disk, membership: membershipOf([]), random, limits });
    server.watcher = this.invariants;
    server.promptDisk = this.chance(0.5);
    this.lives.set(id, 1);
    return server;
  }

  /** What may happen, and how often in general; each seed stresses some of it and spares the rest. */
  private drawActions(): Action[] {
    const actions: [number, (server: TestServer) => void][] = [
      [300, () => this.deliverSome(1 + this.below(8))],
      [120, () => this.tickAll()],
      [150, (server) => this.post(server.flush(1 + this.below(2)))],
      [80, (server) => this.propose(server)],
      [60, (server) => this.read(server)],
      [15, (server) => this.finishFetch(server)],
      [10, (server) => this.reportTransport(server)],
      [15, (server) => this.snapshot(server)],
      [10, (server) => this.load(server)],
      [10, (server) => this.change(server)],
      [7, (server) => this.after(server, () => server.core.transferLeadership(this.pick(ids)!))],
      [15, () => this.cutSome()],
      [4, (server) => this.switchDisk(server)],
      [6, (server) => this.crash(server)],
      [6, () => this.restartSome()],
    ];
    return actions.map(([weight, run]) => ({ weight: weight * this.pick([0.2, 1, 1, 3])!, run }));
  }

  private act(): void {
    let dice = this.random.unit() * this.actions.reduce((sum, { weight }) => sum + weight, 0);
    for (const { weight, run } of this.actions) {
      dice -= weight;
      if (dice >= 0) continue;
      run(this.pick(this.up)!);
      return;
    }
  }

  private deliverSome(count: number): void {
    for (let done = 0; done < count && this.mail.length > 0; done++) {
      const at = this.chance(0.8) ? 0 : this.below(this.mail.length);
      const [message] = this.chance(0.02) ? [this.mail[at]!] : this.mail.splice(at, 1);
      if (!this.chance(0.02)) this.deliver(message!);
    }
  }

  private deliver(message: RaftMessage): void {
    const to = this.servers.find(({ id }) => id === message.to);
    if (to === undefined || this.down.has(to.id) || this.cuts.has(`${message.from}>${message.to}`)) return;
    this.post(to.step(message));
  }

  private deliverAll(): void {
    for (let delivered = 0; this.mail.length > 0; delivered++) {
      assert(delivered < 20_000, 'messages come to an end');
      this.deliver(this.mail.shift()!);
      for (const server of this.servers) {
        if (server.fetch !== null) this.finishFetch(server);
      }
      this.lookAtTouched();
    }
  }

  private tickAll(): void {
    for (const server of this.up) this.post(server.tick());
  }

  private propose(server: TestServer): void {
    const texts = Array.from({ length: 1 + this.below(4) }, () => `command ${this.nextCommand++}`);
    server.propose(...texts);
    this.post(server.drain());
  }

  private read(server: TestServer): void {
    const context = this.nextContext++;
    this.reads.set(context, { server: server.id, atLeast: this.invariants.commitSeen });
    this.after(server, () => server.core.read(context, this.chance(0.5) ? 'lease' : 'index'));
  }

  private finishFetch(server: TestServer): void {
    const { fetch } = server;
    if (fetch === null) return;
    const source = this.servers.find(({ id }) => id === fetch.from)!;
    if (this.down.has(source.id) || source.disk.snapshotMeta?.index !== fetch.meta.index) {
      this.after(server, () => server.failFetch());
      this.after(source, () => source.core.snapshotSent(server.id, false));
      return;
    }
    const copy = new MemoryLog();
    copy.install(fetch.meta, this.invariants.chainOf(fetch.meta.index));
    // Writes that are under way end before the log is replaced: the disk works in order.
    this.post(server.flush(Number.POSITIVE_INFINITY));
    this.post(server.install(copy));
    this.counts.installs++;
    if (this.chance(0.5)) this.after(source, () => source.core.snapshotSent(server.id, true));
  }

  private reportTransport(server: TestServer): void {
    const peer = this.pick(ids)!;
    this.after(server, () => {
      if (this.chance(0.7)) server.core.unreachable(peer);
      else server.core.snapshotSent(peer, this.chance(0.5));
    });
  }

  private snapshot(server: TestServer): void {
    if (server.applied <= (server.disk.snapshotMeta?.index ?? 0) || server.fetch !== null) return;
    server.compact(this.below(6));
  }

  private load(server: TestServer): void {
    server.disk.coldTo = this.chance(0.5) ? 0 : server.disk.firstIndex() + this.below(4);
    if (server.disk.coldTo === 0) this.after(server, () => server.core.loaded());
  }

  private change(server: TestServer): void {
    const members = ids.filter(() => this.chance(0.8));
    const voters = members.filter(() => this.chance(0.8));
    const learners = members.filter((id) => !voters.includes(id));
    this.after(server, () => {
      const result = server.core.changeMembership({ voters, learners, addresses: {} });
      if ('index' in result) this.counts.changes++;
    });
  }

  /** One way or both, often around a leader. */
  private cutSome(): void {
    const dice = this.random.unit();
    const leaders = this.up.filter(({ status }) => status.role === 'leader');
    const some = (this.chance(0.5) ? this.pick(leaders)?.id : undefined) ?? this.pick(ids)!;
    if (dice < 0.4) this.cuts.clear();
    else if (dice < 0.6) this.cuts.add(`${some}>${this.pick(ids)}`);
    else if (dice < 0.8) this.cuts.add(`${this.pick(ids)}>${some}`);
    else for (const id of ids) this.cuts.add(`${some}>${id}`).add(`${id}>${some}`);
  }

  /** Of the writes under way the disk may have finished some, in order. */
  private crash(server: TestServer): void {
    if (this.down.size >= 2) return;
    for (const { write } of server.pending.slice(0, this.below(server.pending.length + 1)))
      server.disk.write(write);
    this.down.add(server.id);
    this.forgetReads(server);
  }

  private restartSome(): void {
    const server = this.servers.find(({ id }) => this.down.has(id));
    if (server !== undefined) this.restart(server);
  }

  private restart(server: TestServer): void {
    this.down.delete(server.id);
    this.lives.set(server.id, this.lives.get(server.id)! + 1);
    server.disk.coldTo = 0;
    server.reads = [];
    server.restart({ quietTicks: this.electionTicks });
    this.post(server.drain());
  }

  private switchDisk(server: TestServer): void {
    server.promptDisk = !server.promptDisk;
    if (server.promptDisk) this.post(server.flush(Number.POSITIVE_INFINITY));
    this.after(server, () => undefined);
  }

  private forgetReads(server: TestServer): void {
    for (const [context, read] of this.reads) if (read.server === server.id) this.reads.delete(context);
  }

  private lookAtTouched(): void {
    for (const server of this.invariants.touched) this.look(server);
    this.invariants.touched.clear();
  }

  private look(server: TestServer): void {
    if (this.down.has(server.id)) return;
    for (const { context, index } of server.reads) {
      const open = this.reads.get(context);
      assert(open !== undefined, 'a read is answered once');
      this.reads.delete(context);
      if (index === null) continue;
      this.counts.reads++;
      assert(index >= open.atLeast, `a read saw ${index}, and ${open.atLeast} was committed before it began`);
    }
    server.reads = [];
    this.invariants.observe(server, this.lives.get(server.id)!);
    this.counts.committed = this.invariants.commitSeen;
    this.counts.elections = Math.max(this.counts.elections, server.status.term);
  }

  private agrees(): boolean {
    const leaders = this.servers.filter(({ status }) => status.role === 'leader');
    if (leaders.length !== 1) return false;
    const { membership, commit, lastIndex, term } = leaders[0]!.status;
    if (commit !== lastIndex || membership.outgoing !== null || this.mail.length > 0) return false;
    const members = [...membership.voters, ...membership.learners];
    return this.servers
      .filter(({ id }) => members.includes(id))
      .every(({ status, applied }) => status.commit === commit && status.term === term && applied === commit);
  }

  private after(server: TestServer, act: () => void): void {
    if (this.down.has(server.id)) return;
    act();
    this.post(server.drain());
  }

  private post(messages: readonly RaftMessage[]): void {
    this.mail.push(...messages);
    if (this.mail.length > 300) this.mail.splice(0, 100);
  }

  private pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }

  private below(limit: number): number {
    return Math.floor(this.random.unit() * limit);
  }

  private chance(probability: number): boolean {
    return this.random.unit() < probability;
  }
}
