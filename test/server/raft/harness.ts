/**
 * A small world for the Raft core: a log in memory that knows only what was stored, a server around one core, and a
 * network that does what a test or a seed says. The large simulator is elsewhere; this one is for stories about the core.
 */
import { assert } from '../../../proto/assert.ts';
import type { Random } from '../../../proto/ports.ts';
import type {
  Entry,
  HardState,
  Membership,
  RaftMessage,
  ServerId,
  SnapshotMeta,
} from '../../../proto/raft.ts';
import { decodeMembership, encodeMembership } from '../../../server/raft/membership.ts';
import { Raft, type RaftLimits } from '../../../server/raft/raft.ts';
import type { LogView, Ready, Write } from '../../../server/raft/ready.ts';

/** mulberry32: small, fast, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { unit, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(unit() * 256)) };
}

/** Always the shortest election timeout. */
export const noJitter: Random = { unit: () => 0, bytes: (length) => new Uint8Array(length) };

export function membershipOf(
  voters: readonly ServerId[],
  more: Partial<Pick<Membership, 'outgoing' | 'learners' | 'addresses'>> = {},
): Membership {
  return { voters, outgoing: null, learners: [], addresses: {}, ...more };
}

export function dataOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Commands of these terms at 1, 2, 3 …; equal (index, term) means equal data, as in a real history. */
export function entriesOf(terms: readonly number[], first = 1): Entry[] {
  return terms.map((term, at) => {
    return { index: first + at, term, kind: 'command', data: dataOf(`${first + at}@${term}`) };
  });
}

/** A rolling hash over a log's prefix: equal only when all entries before are equal too. */
export function chain(before: number, entry: Entry): number {
  let hash = Math.imul(before ^ entry.index, 0x01000193) ^ Math.imul(entry.term, 0x9e3779b1);
  for (const byte of entry.data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The disk of one server: what was stored, and nothing else. */
export class MemoryLog implements LogView {
  entries: Entry[] = [];
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  snapshotMeta: SnapshotMeta | undefined;
  /** Entries up to here have to be loaded before `slice` shows them. */
  coldTo = 0;
  chains: number[] = [];
  /** Chain of the last entry that was compacted away. */
  baseChain = 0;
  private baseIndex = 0;
  private baseTerm = 0;

  firstIndex(): number {
    return this.baseIndex + 1;
  }

  lastIndex(): number {
    return this.baseIndex + this.entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.baseIndex) return this.baseTerm;
    return this.entries[index - this.baseIndex - 1]?.term;
  }

  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' | undefined {
    if (from <= this.baseIndex) return undefined;
    if (from <= this.coldTo) return 'loading';
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.entries.slice(from - this.baseIndex - 1, to - this.baseIndex - 1)) {
      bytes += entry.data.length + 32;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  snapshot(): SnapshotMeta | undefined {
    return this.snapshotMeta;
  }

  chainAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseChain : this.chains[index - this.baseIndex - 1];
  }

  write({ cutFrom, entries, hardState }: Write): void {
    if (hardState !== null) this.hardState = hardState;
    if (cutFrom !== null) {
      this.entries.length = cutFrom - this.baseIndex - 1;
      this.chains.length = this.entries.length;
    }
    for (const entry of entries) {
      assert(entry.index === this.lastIndex() + 1, 'the disk gets entries in order');
      this.chains.push(chain(this.chainAt(this.lastIndex())!, entry));
      this.entries.push(entry);
    }
  }

  compact(meta: SnapshotMeta, keepFrom: number): void {
    this.snapshotMeta = meta;
    const gone = Math.max(0, keepFrom - this.firstIndex());
    if (gone === 0) return;
    this.baseTerm = this.term(keepFrom - 1)!;
    this.baseChain = this.chainAt(keepFrom - 1)!;
    this.entries = this.entries.slice(gone);
    this.chains = this.chains.slice(gone);
    this.baseIndex += gone;
  }

  install(meta: SnapshotMeta, baseChain: number): void {
    this.snapshotMeta = meta;
    this.baseIndex = meta.index;
    this.baseTerm = meta.term;
    this.baseChain = baseChain;
    this.entries = [];
    this.chains = [];
  }
}

export interface ServerStart {
  readonly id: ServerId;
  readonly membership: Membership;
  readonly membershipIndex?: number;
  readonly disk?: MemoryLog;
  readonly random?: Random;
  readonly limits?: Partial<RaftLimits>;
  readonly mayVote?: boolean;
  readonly quietTicks?: number;
}

/** Sees what leaves a server and what it does; a test may put its own in. */
export interface Watcher {
  sent(server: TestServer, message: RaftMessage): void;
  took(server: TestServer, ready: Ready): void;
}

interface PendingWrite {
  readonly write: Write;
  readonly held: RaftMessage[];
}

/** One core with its disk, driven as the production driver does: send, persist, send what waited, apply. */
export class TestServer {
  readonly id: ServerId;
  readonly disk: MemoryLog;
  core: Raft;
  /** When true, a write is durable at once; else it waits for `flush`. */
  promptDisk = true;
  pending: PendingWrite[] = [];
  /** Everything that left since somebody looked, in order. */
  out: RaftMessage[] = [];
  reads: { context: number; index: number | null }[] = [];
  fetch: { from: ServerId; meta: SnapshotMeta } | null = null;
  applied: number;
  /** The state machine: texts of all commands in order, beginning behind the installed snapshot. */
  commands: string[] = [];
  /** Newest applied membership, for snapshots. */
  appliedMembership: { index: number; membership: Membership };
  watcher: Watcher | null = null;
  private readonly start: ServerStart;

  constructor(start: ServerStart) {
    this.start = start;
    this.id = start.id;
    this.disk = start.disk ?? new MemoryLog();
    this.applied = this.disk.snapshotMeta?.index ?? this.disk.firstIndex() - 1;
    this.appliedMembership = this.bootMembership();
    this.core = this.boot({});
  }

  get status() {
    return this.core.status();
  }

  /** Loses what was not stored, and everything in memory, then starts from the disk. */
  restart(more: Partial<ServerStart> = {}): void {
    this.pending = [];
    this.out = [];
    this.fetch = null;
    this.applied = this.disk.snapshotMeta?.index ?? this.disk.firstIndex() - 1;
    this.commands = [];
    this.appliedMembership = this.bootMembership();
    this.core = this.boot(more);
  }

  step(message: RaftMessage): RaftMessage[] {
    this.core.step(message);
    return this.drain();
  }

  tick(times = 1): RaftMessage[] {
    const all: RaftMessage[] = [];
    for (let done = 0; done < times; done++) {
      this.core.tick();
      all.push(...this.drain());
    }
    return all;
  }

  propose(...texts: string[]) {
    const result = this.core.propose(texts.map(dataOf));
    this.drain();
    return result;
  }

  /** Works off everything the core has to say; returns (and forgets) what left since somebody looked. */
  drain(): RaftMessage[] {
    for (let ready = this.core.ready(); ready !== null; ready = this.core.ready()) {
      this.take(ready);
      if (this.promptDisk) this.flush(Number.POSITIVE_INFINITY);
    }
    const left = this.out;
    this.out = [];
    return left;
  }

  /** Makes up to `count` of the oldest writes durable, then drains. */
  flush(count: number): RaftMessage[] {
    for (let done = 0; done < count && this.pending.length > 0; done++) {
      const { write, held } = this.pending.shift()!;
      this.disk.write(write);
      this.core.stored(write.token);
      for (const message of held) this.send(message);
    }
    return this.promptDisk ? [] : this.drain();
  }

  /** Snapshot of what is applied, then compaction that keeps `trailing` entries before it. */
  compact(trailing = 0): void {
    const index = this.applied;
    const term = this.disk.term(index);
    assert(term !== undefined, 'the applied entry is there');
    const { membership, index: membershipIndex } = this.appliedMembership;
    this.disk.compact({ index, term, membership, membershipIndex }, index + 1 - trailing);
  }

  install(source: MemoryLog): RaftMessage[] {
    const { meta } = this.fetch!;
    this.fetch = null;
    this.disk.install(meta, source.chainAt(meta.index)!);
    this.applied = meta.index;
    this.appliedMembership = { index: meta.membershipIndex, membership: meta.membership };
    this.core.snapshotInstalled(meta);
    return this.drain();
  }

  failFetch(): void {
    this.fetch = null;
    this.core.snapshotFailed();
  }

  private boot(more: Partial<ServerStart>): Raft {
    const { id, disk } = this;
    const newest = this.newestMembership();
    return new Raft({
      random: noJitter,
      ...this.start,
      ...more,
      id,
      log: disk,
      hardState: disk.hardState,
      applied: this.applied,
      membership: newest.membership,
      membershipIndex: newest.index,
      origin: this.start.membership,
    });
  }

  private bootMembership() {
    const meta = this.disk.snapshotMeta;
    if (meta !== undefined) return { index: meta.membershipIndex, membership: meta.membership };
    return { index: this.start.membershipIndex ?? 0, membership: this.start.membership };
  }

  private newestMembership() {
    const entry = this.disk.entries.findLast(({ kind }) => kind === 'membership');
    if (entry === undefined) return this.bootMembership();
    return { index: entry.index, membership: decodeMembership(entry.data) };
  }

  private take(ready: Ready): void {
    this.watcher?.took(this, ready);
    for (const message of ready.messages) this.send(message);
    if (ready.write !== null) this.pending.push({ write: ready.write, held: [] });
    const newest = this.pending[this.pending.length - 1];
    for (const message of ready.messagesAfterWrite) {
      if (newest === undefined) this.send(message);
      else newest.held.push(message);
    }
    this.apply(ready.committed);
    this.reads.push(...ready.reads);
    if (ready.fetchSnapshot !== null) this.fetch = ready.fetchSnapshot;
  }

  private apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.applied + 1, 'each index is applied once, in order');
      this.applied = entry.index;
      if (entry.kind === 'command') this.commands.push(textOf(entry.data));
      if (entry.kind === 'membership') {
        this.appliedMembership = { index: entry.index, membership: decodeMembership(entry.data) };
      }
    }
    if (entries.length > 0) this.core.applied(this.applied);
  }

  private send(message: RaftMessage): void {
    this.watcher?.sent(this, message);
    this.out.push(message);
  }
}

/** A disk with commands of these terms, as an earlier life left it. */
export function diskOf(terms: readonly number[], hardState: Partial<HardState> = {}): MemoryLog {
  const disk = new MemoryLog();
  disk.write({ token: 0, cutFrom: null, entries: entriesOf(terms), hardState: null });
  disk.hardState = { term: terms.at(-1) ?? 0, vote: null, commit: 0, ...hardState };
  return disk;
}

export interface SingleStart extends Partial<Omit<ServerStart, 'disk' | 'membership'>> {
  readonly voters?: readonly ServerId[];
  readonly learners?: readonly ServerId[];
  readonly outgoing?: readonly ServerId[];
  /** Terms of the log's entries. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly vote?: ServerId | null;
  readonly commit?: number;
}

/** A follower `a` of `a, b, c` in any state that the test wants. */
export function follower(start: SingleStart = {}): TestServer {
  const { voters = ['a', 'b', 'c'], learners = [], outgoing = null, log = [], vote = null, ...rest } = start;
  const term = start.term ?? log.at(-1) ?? 0;
  const server = new TestServer({
    ...rest,
    id: start.id ?? 'a',
    membership: membershipOf(voters, { learners, outgoing }),
    disk: diskOf(log, { term, vote, commit: start.commit ?? 0 }),
  });
  server.drain();
  return server;
}

/** Ticks until the server asks for votes and lets every other voter grant both rounds; returns what left as leader. */
export function elect(server: TestServer): RaftMessage[] {
  server.tick(server.status.role === 'follower' ? 20 : 0);
  let out: RaftMessage[] = [];
  for (const pre of [true, false]) {
    const { membership, term } = server.status;
    const voters = new Set([...membership.voters, ...(membership.outgoing ?? [])]);
    for (const from of voters) {
      if (from === server.id) continue;
      const asked = pre ? term + 1 : term;
      out = out.concat(
        server.step({ type: 'voteAnswer', from, to: server.id, term: asked, pre, granted: true }),
      );
    }
  }
  assert(server.status.role === 'leader', 'the election was won');
  return out;
}

/** A leader `a` with `log` behind it; its first entry is at `log.length + 1`. */
export function leader(start: SingleStart = {}): TestServer {
  const server = follower(start);
  elect(server);
  return server;
}

type Draft<M> = M extends RaftMessage ? Partial<Omit<M, 'type'>> : never;

/** A message to `a` from `b` with plain defaults. */
export function message<T extends RaftMessage['type']>(
  type: T,
  fields: Draft<Extract<RaftMessage, { type: T }>>,
): RaftMessage {
  const defaults = {
    vote: { pre: false, transfer: false, lastIndex: 0, lastTerm: 0 },
    voteAnswer: { pre: false, granted: true },
    append: { prevIndex: 0, prevTerm: 0, entries: [], commit: 0 },
    appendAnswer: { rejected: false, index: 0, hintIndex: 0, hintTerm: 0 },
    heartbeat: { commit: 0, round: 1 },
    heartbeatAnswer: { round: 1 },
    snapshot: {},
    timeoutNow: {},
    read: { context: 1 },
    readAnswer: { context: 1, index: 0 },
  };
  return { type, from: 'b', to: 'a', term: 1, ...defaults[type], ...fields } as unknown as RaftMessage;
}

export function ofType<T extends RaftMessage['type']>(
  messages: readonly RaftMessage[],
  type: T,
): Extract<RaftMessage, { type: T }>[] {
  return messages.filter((each) => each.type === type) as Extract<RaftMessage, { type: T }>[];
}

/** Servers that begin with one membership entry and hear each other through a network without delay. */
export class Cluster {
  readonly servers = new Map<ServerId, TestServer>();
  /** Messages that did not arrive yet. */
  mail: RaftMessage[] = [];
  /** Says which messages get through. */
  passes: (message: RaftMessage) => boolean = () => true;
  readonly down = new Set<ServerId>();
  private readonly more: Partial<ServerStart>;

  constructor(voters: readonly ServerId[], more: Partial<ServerStart> & { seed?: number } = {}) {
    this.more = more;
    for (const id of voters) this.add(id, voters, randomOf((more.seed ?? 1) * 31 + id.charCodeAt(0)));
  }

  /** A server whose log begins with the membership of the bootstrap, or with nothing when it joins later. */
  add(
    id: ServerId,
    voters: readonly ServerId[] | null,
    random: Random = randomOf(id.charCodeAt(0)),
  ): TestServer {
    const disk = new MemoryLog();
    if (voters !== null) disk.write(bootstrapWrite(voters));
    const server = new TestServer({ random, ...this.more, id, disk, membership: membershipOf([]) });
    this.servers.set(id, server);
    return server;
  }

  get(id: ServerId): TestServer {
    const server = this.servers.get(id);
    assert(server !== undefined, `server ${id} exists`);
    return server;
  }

  get up(): TestServer[] {
    return [...this.servers.values()].filter(({ id }) => !this.down.has(id));
  }

  get leaders(): TestServer[] {
    return this.up.filter(({ status }) => status.role === 'leader');
  }

  /** The leader of the highest term. */
  get leader(): TestServer {
    const newest = this.leaders.sort((a, b) => b.status.term - a.status.term)[0];
    assert(newest !== undefined, 'there is a leader');
    return newest;
  }

  /** Delivers until nothing is left to say. */
  settle(): void {
    for (let turns = 0; ; turns++) {
      assert(turns < 10_000, 'messages come to an end');
      for (const server of this.up) this.mail.push(...server.drain());
      this.serveSnapshots();
      const next = this.mail.shift();
      if (next === undefined) return;
      const to = this.servers.get(next.to);
      if (to === undefined || this.down.has(next.to) || this.down.has(next.from) || !this.passes(next))
        continue;
      this.mail.push(...to.step(next));
    }
  }

  /** Everybody's time passes, and after each tick all messages arrive. */
  run(ticks: number): void {
    for (let done = 0; done < ticks; done++) {
      for (const server of this.up) this.mail.push(...server.tick());
      this.settle();
    }
  }

  /** Lets one server campaign and win. */
  electById(id: ServerId): TestServer {
    const server = this.get(id);
    for (let ticks = 0; server.status.role !== 'leader'; ticks++) {
      assert(ticks < 100, `${id} is elected`);
      this.mail.push(...server.tick());
      this.settle();
    }
    return server;
  }

  propose(...texts: string[]) {
    const result = this.leader.core.propose(texts.map(dataOf));
    this.settle();
    return result;
  }

  crash(id: ServerId): void {
    this.down.add(id);
    this.mail = this.mail.filter(({ from }) => from !== id);
  }

  restart(id: ServerId): void {
    this.down.delete(id);
    this.get(id).restart();
  }

  /** Only servers of the same side hear each other. */
  partition(...sides: ServerId[][]): void {
    const sideOf = (id: ServerId) => sides.findIndex((side) => side.includes(id));
    this.passes = ({ from, to }) => sideOf(from) !== -1 && sideOf(from) === sideOf(to);
  }

  isolate(id: ServerId): void {
    this.passes = ({ from, to }) => from !== id && to !== id;
  }

  heal(): void {
    this.passes = () => true;
  }

  private serveSnapshots(): void {
    for (const server of this.up) {
      if (server.fetch === null) continue;
      const source = this.get(server.fetch.from);
      this.mail.push(...server.install(source.disk));
    }
  }
}

function bootstrapWrite(voters: readonly ServerId[]): Write {
  const data = encodeMembership(membershipOf(voters));
  return {
    token: 0,
    cutFrom: null,
    entries: [{ index: 1, term: 1, kind: 'membership', data }],
    hardState: { term: 1, vote: null, commit: 1 },
  };
}
