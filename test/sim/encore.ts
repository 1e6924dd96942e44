/**
 * The end of the second act, when peace has come and no client writes: what a leader owes to the writes that come along,
 * and not to itself, shows now. Two things happen, drawn from the seed, neither of which must matter after a while:
 * leadership goes to another server, with or without an entry that its leader could not commit any more; all lose power; the
 * leader hears nobody; somebody does not hear the leader, or missed what was written and campaigns first; the leader is cut
 * off and does not notice the time that passes. Within a bounded time all is as before, and everybody answers reads.
 */
import { isExpected } from '../../proto/errors.ts';
import type { Rpc } from '../../proto/rpc.ts';
import { majority } from '../../server/raft/quorum.ts';
import { readValue, registration } from './client.ts';
import { isAtPeace, whatIsMissing } from './peace.ts';
import type { SeededRandom } from './random.ts';
import type { ServerCluster } from './server-cluster.ts';
import type { SimServer } from './sim-server.ts';

/** Longest time until all is as it should be again. */
const patienceMs = 30_000;
/** Between two looks at the cluster. */
const lookMs = 250;
/** Longer than any election timeout, and than the time after which a leader that hears nobody steps down. */
const disturbedMs = 3_000;
const kindsInOne = 2;
const readTimeoutMs = 5_000;
const key = 'ext-0';

export async function encore(cluster: ServerCluster, present: readonly SimServer[]): Promise<void> {
  await new Encore(cluster, present).run();
}

class Encore {
  readonly #cluster: ServerCluster;
  readonly #present: readonly SimServer[];
  readonly #random: SeededRandom;
  readonly #users = new Map<SimServer, Rpc>();
  #writes = 0;

  constructor(cluster: ServerCluster, present: readonly SimServer[]) {
    this.#cluster = cluster;
    this.#present = present;
    this.#random = cluster.random.fork('encore');
  }

  async run(): Promise<void> {
    const kinds = [
      () => this.#inheritTail(),
      () => this.#powerCut(),
      () => this.#deafLeader(),
      () => this.#deafFollower(),
      () => this.#laggard(),
      () => this.#strand('sleeps'),
      () => this.#strand('drags'),
    ];
    for (const disturb of this.#random.shuffle(kinds).slice(0, kindsInOne)) {
      await disturb();
      if (!this.#cluster.findings.none) return;
      this.#cluster.network.heal();
      await this.#peace();
      await this.#readEverywhere();
    }
    // While the reads were answered, somebody may have been found to be back: that, too, reaches every listener.
    await this.#peace();
  }

  #peace(): Promise<void> {
    return this.#until('peace', () => isAtPeace(this.#cluster, this.#present));
  }

  async #handOver(): Promise<void> {
    const leader = this.#leader;
    const heir = this.#random.pick(this.#present);
    this.#cluster.tell(`encore: ${leader.name} hands over to ${heir.name}`);
    leader.consensus!.replica.transferLeadership(heir.id);
    await this.#cluster.clock.settleFor(disturbedMs);
  }

  /** The others hold an entry that its leader never saw them acknowledge, and nothing follows it. */
  async #inheritTail(): Promise<void> {
    const leader = this.#leader;
    this.#cluster.tell(`encore: ${leader.name} hears nothing, takes in a write, and loses power`);
    this.#deafen(leader, this.#others(leader));
    void this.#write(leader);
    await this.#cluster.clock.settleFor(100);
    leader.host.crash('all');
    this.#cluster.network.heal();
    await this.#cluster.clock.settleFor(disturbedMs);
    leader.start();
  }

  async #powerCut(): Promise<void> {
    this.#cluster.tell('encore: all lose power');
    for (const { host } of this.#present) host.crash(this.#random.pick(['all', 'some', 'torn']));
    for (const server of this.#present) server.start();
    await this.#cluster.clock.settleFor(disturbedMs);
  }

  /** It can tell everybody that it leads and learns nothing of what they think: the others must not wait for it. */
  async #deafLeader(): Promise<void> {
    const leader = this.#leader;
    if (!this.#haveMajority(leader)) return this.#handOver();
    this.#cluster.tell(`encore: ${leader.name} hears nothing`);
    this.#deafen(leader, this.#others(leader));
    await this.#until('another leads', () => {
      const now = this.#cluster.leader;
      return now !== undefined && now !== leader && !leader.isLeader;
    });
  }

  /** It may ask for votes as often as it likes: whoever hears the leader goes on following it. */
  async #deafFollower(): Promise<void> {
    const { findings } = this.#cluster;
    const leader = this.#leader;
    const deaf = this.#random.pick(this.#present.filter((server) => server !== leader));
    if (deaf === undefined || !this.#haveMajority(deaf)) return this.#handOver();
    this.#cluster.tell(`encore: ${deaf.name} does not hear ${leader.name}`);
    const { term } = leader.consensus!.replica.standing;
    this.#deafen(deaf, [leader]);
    await this.#cluster.clock.settleFor(disturbedMs);
    const now = leader.consensus?.replica.standing;
    findings.check(
      now?.role === 'leader' && now.term === term,
      'stickiness',
      () => `${deaf.name} heard nothing of ${leader.name} and ended its leadership of term ${term}`,
    );
  }

  /** It has asked for votes in vain for a while, and is the first to do so again when the leader is gone. */
  async #laggard(): Promise<void> {
    const { clock, network } = this.#cluster;
    const leader = this.#leader;
    const laggard = this.#random.pick(this.#present.filter((server) => server !== leader));
    if (laggard === undefined || !this.#haveMajority(laggard)) return this.#handOver();
    this.#cluster.tell(`encore: ${laggard.name} misses what is written, and ${leader.name} loses power`);
    const others = this.#others(laggard);
    this.#deafen(laggard, others);
    for (const other of others) network.cut(laggard.host.site, other.host.site);
    for (let n = 0; n < 3; n++) {
      void this.#write(leader);
      await clock.settleFor(disturbedMs / 3);
    }
    leader.host.crash('all');
    network.heal();
    await clock.settleFor(disturbedMs);
    leader.start();
  }

  /** It is asked all the while, and those who have another leader meanwhile write on. */
  async #strand(how: 'sleeps' | 'drags'): Promise<void> {
    const { clock, configuration, network } = this.#cluster;
    const leader = this.#leader;
    if (!this.#haveMajority(leader)) return this.#handOver();
    const { host } = leader;
    this.#cluster.tell(`encore: ${leader.name} is cut off and ${how}`);
    const others = this.#others(leader);
    this.#deafen(leader, others);
    for (const other of others) network.cut(host.site, other.host.site);
    if (how === 'sleeps') host.pause();
    else host.drag(configuration.clockDrift > 0.1 ? 0.9 : 0.7);
    const wakesMs = clock.nowMs() + disturbedMs;
    let writing: Promise<void> | null = null;
    while (clock.nowMs() < wakesMs) {
      const { leader: now } = this.#cluster;
      if (now !== undefined && now !== leader && writing === null) {
        writing = this.#write(now).finally(() => {
          writing = null;
        });
      }
      for (const mode of ['default', 'consistent'] as const) void this.#readOnce(leader, mode);
      await clock.settleFor(100);
    }
    host.resume();
    await clock.settleFor(200);
    host.drag(1);
  }

  /** Throws when nobody leads, which is not so in times of peace. */
  get #leader(): SimServer {
    return this.#cluster.leader!;
  }

  #others(server: SimServer): SimServer[] {
    return this.#cluster.servers.filter((other) => other !== server);
  }

  #deafen(server: SimServer, others: readonly SimServer[]): void {
    for (const { host } of others) this.#cluster.network.cut(host.site, server.host.site);
  }

  /** Without this server, those who are there can decide. */
  #haveMajority(without: SimServer): boolean {
    const { voters } = this.#leader.consensus!.replica.status().membership;
    const able = this.#present.filter((server) => server !== without && voters.includes(server.id));
    return able.length >= majority(voters.length);
  }

  async #write(server: SimServer): Promise<void> {
    const { history, values } = this.#cluster;
    this.#writes += 1;
    const value = `encore-${this.#writes}`;
    const ticket = history.invoke(key, { kind: 'write', value });
    values.invoked(value);
    const params = { body: registration(key, value), once: { client: 'encore', key: value } };
    try {
      const { offset } = await this.#user(server).call('catalog.write', params, { timeoutMs: readTimeoutMs });
      history.answered(ticket);
      values.acknowledged(key, value, offset);
    } catch (error) {
      if (!isExpected(error)) throw error;
      history.unknown(ticket);
    }
  }

  async #readEverywhere(): Promise<void> {
    const reads = this.#present.flatMap((server) => [
      this.#read(server, 'default'),
      this.#read(server, 'consistent'),
    ]);
    let open = reads.length;
    for (const read of reads) void read.then(() => (open -= 1));
    await this.#until('an answer to every read', () => open === 0);
  }

  /** Again and again until it is answered: leadership may be on its way to somebody else. */
  async #read(server: SimServer, mode: 'default' | 'consistent'): Promise<void> {
    while (!(await this.#readOnce(server, mode))) {
      await new Promise<void>((resolve) => this.#cluster.clock.after(lookMs, resolve));
    }
  }

  async #readOnce(server: SimServer, mode: 'default' | 'consistent'): Promise<boolean> {
    const { history, values } = this.#cluster;
    const ticket = history.invoke(key, { kind: 'read', value: null });
    try {
      const options = { maxStaleMs: null, timeoutMs: readTimeoutMs };
      const { value, offset } = await readValue(this.#user(server), key, mode, options);
      history.answered(ticket, value);
      values.read(key, value, offset);
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      history.unknown(ticket);
      return false;
    }
  }

  #user(server: SimServer): Rpc {
    const known = this.#users.get(server);
    if (known !== undefined) return known;
    const rpc = this.#cluster.user(server);
    this.#users.set(server, rpc);
    return rpc;
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const { clock, findings } = this.#cluster;
    const fromMs = clock.nowMs();
    while (findings.none && !isSo()) {
      if (clock.nowMs() - fromMs >= patienceMs) {
        const missing = whatIsMissing(this.#cluster, this.#present);
        findings.add(
          'liveness',
          `${patienceMs / 1_000} s after the encore began, ${what} is not there: ${missing}`,
        );
      }
      await clock.settleFor(lookMs);
    }
  }
}
