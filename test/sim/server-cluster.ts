/**
 * A world of servers, agents and clients, drawn from a configuration, with the checkers that watch it. It starts what is to
 * run and says how things stand; what happens to it is up to `faults.ts`, and when, to `server-run.ts`.
 */

import type { KnownServer } from '../../agent/server-pool.ts';
import { isExpected } from '../../proto/errors.ts';
import type { Logger } from '../../proto/logger.ts';
import type { Membership } from '../../proto/raft.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { Consensus } from '../../server/consensus.ts';
import type { ServerConfig } from '../../server/server.ts';
import { Findings } from './checkers/findings.ts';
import { Ledger } from './checkers/ledger.ts';
import { ListenerChecker } from './checkers/listener.ts';
import { RaftChecker, type WatchedServer } from './checkers/raft.ts';
import { StateChecker } from './checkers/state.ts';
import { ValuesChecker } from './checkers/values.ts';
import { SimClient } from './client.ts';
import { VirtualClock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import { History } from './history.ts';
import { SimHost } from './host.ts';
import { VirtualNetwork } from './network.ts';
import { PeerRpc } from './peer-rpc.ts';
import { SeededRandom } from './random.ts';
import { Rumours } from './rumours.ts';
import { SimAgent } from './sim-agent.ts';
import { isDiskFault, rpcPort, type ServerWatch, SimServer } from './sim-server.ts';
import { Trace } from './trace.ts';
import { Wires } from './wires.ts';

export class ServerCluster {
  readonly configuration: Configuration;
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: VirtualNetwork;
  readonly trace = new Trace();
  readonly findings = new Findings();
  readonly history = new History();
  readonly raft = new RaftChecker(this.findings);
  readonly state: StateChecker;
  readonly ledger = new Ledger(this.findings);
  readonly values = new ValuesChecker(this.findings);
  readonly rumours: Rumours;
  /** Those that belong to the cluster or may join it; one that was removed for good is no longer here. */
  servers: SimServer[] = [];
  readonly agents: SimAgent[] = [];
  readonly clients: SimClient[] = [];
  /** What happened, for people. */
  readonly story: string[] = [];
  readonly #wires: Wires;
  readonly #logger: Logger;
  readonly #watched = new WeakMap<Consensus, Watched>();
  #hosts = 0;

  constructor(seed: number | string, configuration: Configuration, logger: Logger) {
    this.configuration = configuration;
    this.random = new SeededRandom(seed);
    this.#logger = logger;
    const { clock, random, trace } = this;
    this.network = new VirtualNetwork(clock, random.fork('network'), configuration.weather);
    this.state = new StateChecker(this.findings, configuration.compareStatesEvery);
    this.rumours = new Rumours(clock, this.network, random.fork('rumours'), configuration);
    const onBug = (error: unknown, method: string) => this.noteBug(method, error);
    this.#wires = new Wires({ clock, network: this.network, trace, onBug }, random.fork('wires'));
    const { servers, agents, clients, listeners } = configuration;
    for (let n = 1; n <= servers; n++) this.addServer(`s${n}`, servers);
    for (let n = 0; n < agents; n++) this.#addAgent(`a${n + 1}`, Math.ceil((listeners - n) / agents));
    for (let n = 1; n <= clients; n++) this.#addClient(`c${n}`);
  }

  start(): void {
    for (const member of [...this.servers, ...this.agents]) member.start();
    for (const client of this.clients) client.start();
  }

  /** Sites of everybody. */
  get sites(): string[] {
    return Array.from({ length: this.#hosts }, (_, number) => siteOf(number));
  }

  /** The one that leads in the highest term; undefined when nobody does. */
  get leader(): SimServer | undefined {
    const leaders = this.servers.filter((server) => server.isLeader);
    leaders.sort((a, b) => b.consensus!.replica.standing.term - a.consensus!.replica.standing.term);
    return leaders[0];
  }

  /** `expect` 0: it waits to be taken into the cluster. Not started yet. */
  addServer(name: string, expect: number): SimServer {
    const { consensus, autopilot, compareIntervalMs, holdMs, looseMessages, shortAppendShare, turnMs } =
      this.configuration;
    const config: ServerConfig = {
      name,
      datacenter: 'dc1',
      expect,
      consensus,
      autopilot,
      reconcile: { compareIntervalMs },
      holdMs,
    };
    const server: SimServer = new SimServer(idOf(name), {
      host: this.#addHost(name),
      wires: this.#wires,
      rumours: this.rumours,
      random: this.random.fork(name),
      config,
      watch: this.#watch,
      logger: this.#loggerOf(name),
      looseMessages,
      shortAppendShare,
      turnMs,
      onHalt: (halted, error) => this.#onHalt(halted, error),
    });
    this.servers.push(server);
    this.rumours.gossipers.push(server);
    return server;
  }

  /** It is gone for good, disk and all. */
  forget(server: SimServer): void {
    if (server.host.up) server.host.crash('all');
    this.servers = this.servers.filter((other) => other !== server);
  }

  /** Of a server that is still to come. */
  newName(): string {
    return `s${this.#hosts + 1}`;
  }

  /** The server asks to be forgotten; `done` runs when it is, for sure. False when it cannot ask now. */
  leave(server: SimServer, done: () => void): boolean {
    if (server.consensus === null) return false;
    server.leave().then(done, (error: unknown) => {
      if (!isExpected(error)) this.noteBug(`${server.name} leaves`, error);
    });
    return true;
  }

  /** Somebody who sits beside all networks and talks to this one server. */
  user(server: SimServer): Rpc {
    const host = this.#addHost(`user-${this.#hosts}`);
    const peer = { nodeId: host.name, node: host.name, kind: 'agent', clusterId: '' } as const;
    const speaker = { host, site: host.site, process: host.boot(), peer: () => peer };
    return new PeerRpc(this.#wires, speaker, () => ({ host: server.host.site, port: rpcPort }));
  }

  tell(text: string): void {
    this.story.push(`${(this.clock.nowMs() / 1_000).toFixed(3)} s  ${text}`);
  }

  /** Something that no part of the program expects. */
  noteBug(where: string, error: unknown): void {
    this.findings.add('bug', `${where}: ${error instanceof Error ? error.stack : String(error)}`);
  }

  readonly #watch: ServerWatch = {
    sending: (server, message) => this.raft.sending(this.#watchedOf(server), message),
    received: (server, message) => this.raft.received(this.#watchedOf(server), message),
    opened: (server, consensus) => {
      this.#checkSound(server, consensus);
      this.raft.opened(this.#watchedOf(server));
    },
    standing: (server, { replica }) => {
      const { role, term } = replica.standing;
      this.trace.mix(term);
      if (role === 'leader') {
        this.tell(`${server.name} leads in term ${term}`);
        this.raft.elected(this.#watchedOf(server));
      }
    },
    applied: (server, entry, applied, fsm) => {
      this.trace.mix(entry.index);
      this.raft.applied(this.#watchedOf(server), entry);
      this.state.applied(server.name, entry.index, applied, fsm);
      const last = this.ledger.last;
      this.ledger.applied(server.name, applied.events);
      for (const event of this.ledger.events.slice(last)) {
        this.values.entered(event);
        for (const agent of this.agents) agent.entered(event);
      }
    },
  };

  /** These disks forget and fail, but never change what was flushed: whoever finds a hole has made it. */
  #checkSound({ name, held }: SimServer, { storage, events, snapshots }: Consensus): void {
    const found = [storage.damage, ...events.damage, ...snapshots.damage].filter((damage) => damage !== null);
    this.findings.check(found.length === 0, 'sound disk', () => `${name} finds ${JSON.stringify(found[0])}`);
    // A snapshot of its own that stands for events which nobody will make again.
    const { missing } = events;
    if (missing === null || held === null) return;
    this.findings.check(
      missing.to < held.first || (storage.snapshot()?.index ?? 0) > held.applied,
      'sound disk',
      () => `${name} held all events from ${held.first} on and now lacks ${JSON.stringify(missing)}`,
    );
  }

  #watchedOf(server: SimServer): Watched {
    const consensus = server.consensus!;
    const known = this.#watched.get(consensus);
    if (known !== undefined) return known;
    const watched = new Watched(server.id, consensus);
    this.#watched.set(consensus, watched);
    return watched;
  }

  #addHost(name: string): SimHost {
    const { clockDrift, diskSpread } = this.configuration;
    const clockRate = 1 + this.random.between(-clockDrift, clockDrift);
    const diskFactor = diskSpread ** this.random.unit();
    const host = new SimHost(this, { name, site: siteOf(this.#hosts), clockRate, diskFactor });
    this.#hosts += 1;
    return host;
  }

  #addAgent(name: string, listeners: number): void {
    const { agents, transitionEveryMs } = this.configuration;
    const { findings, ledger, rumours, random } = this;
    const agent = new SimAgent(idOf(name), {
      host: this.#addHost(name),
      wires: this.#wires,
      rumours,
      random: random.fork(name),
      findings,
      listeners: Array.from(
        { length: Math.max(0, listeners) },
        (_, n) => new ListenerChecker(findings, ledger, `listener ${n + 1} at ${name}`),
      ),
      transitionEveryMs: transitionEveryMs * agents,
      remembered: this.servers.map(knownServer),
      onHalt: (halted, error) => this.noteBug(halted.name, error),
    });
    this.agents.push(agent);
    rumours.gossipers.push(agent);
  }

  #addClient(name: string): void {
    const { keys } = this.configuration;
    const { history, values, findings } = this;
    this.clients.push(
      new SimClient({
        host: this.#addHost(name),
        wires: this.#wires,
        random: this.random.fork(name),
        history,
        values,
        findings,
        thinkMs: () => this.#thinkMs(),
        keys,
        servers: () => this.servers.map(({ host }) => host.site),
        onBug: (error) => this.noteBug(name, error),
      }),
    );
  }

  /** In a hurry as long as there were fewer operations than there should have been by now. */
  #thinkMs(): number {
    const { clients, operationsPerSecond } = this.configuration;
    const dueBy = (this.clock.nowMs() / 1_000) * operationsPerSecond;
    const inTimeMs = (1_000 * clients) / operationsPerSecond;
    return this.history.length < dueBy ? inTimeMs / 10 : inTimeMs;
  }

  /** As systemd does it: a process that ended by itself is started again. */
  #onHalt(server: SimServer, error: Error): void {
    const { host } = server;
    if (host.diskWasHurt && isDiskFault(error)) this.tell(`${server.name} stops: ${error.message}`);
    else this.noteBug(`${server.name} stops`, error);
    host.kill();
    const { lives } = host;
    this.clock.after(this.random.between(500, 3_000), () => {
      if (!host.up && host.lives === lives && host.powered) server.start();
    });
  }

  #loggerOf(name: string): Logger {
    const { debug, info, warn, error } = this.#logger;
    const say = (write: Logger['info']) => (text: string) =>
      write(`${(this.clock.nowMs() / 1_000).toFixed(3)} ${name}: ${text}`);
    return { debug: say(debug), info: say(info), warn: say(warn), error: say(error) };
  }
}

/** What the checker sees of a server in one life. */
class Watched implements WatchedServer {
  readonly id: string;
  readonly log: Consensus['storage'];
  readonly #replica: Consensus['replica'];

  constructor(id: string, { storage, replica }: Consensus) {
    this.id = id;
    this.log = storage;
    this.#replica = replica;
  }

  get role(): string {
    return this.#replica.standing.role;
  }

  get term(): number {
    return this.#replica.standing.term;
  }

  get commit(): number {
    return this.#replica.status().commit;
  }

  get membership(): Membership {
    return this.#replica.status().membership;
  }
}

function knownServer(server: SimServer): KnownServer {
  return {
    nodeId: server.id,
    name: server.name,
    address: { host: server.host.site, port: rpcPort },
  };
}

function siteOf(number: number): string {
  return `10.1.${number >> 8}.${number & 0xff}`;
}

/** A uuid that people can tell apart: server s3 is …-0000000000s3 in hexadecimal. */
function idOf(name: string): string {
  const digits = Buffer.from(name).toString('hex').padStart(12, '0');
  return `00000000-0000-4000-8000-${digits}`;
}
