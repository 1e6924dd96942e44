/**
 * One agent of the simulated world: the real journal, state, anti-entropy, server pool and event feed, checks that flap, and
 * a listener that resumes where it was.
 */

import { AntiEntropy } from '../../agent/anti-entropy.ts';
import { followEvents } from '../../agent/event-feed.ts';
import { Journal } from '../../agent/journal.ts';
import { LocalState } from '../../agent/local-state.ts';
import { type KnownServer, ServerPool } from '../../agent/server-pool.ts';
import { isExpected } from '../../proto/errors.ts';
import { everyEvent } from '../../proto/event-filter.ts';
import type { OwnCheck } from '../../proto/schema/catalog.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { isThere } from '../../server/gossip-view.ts';
import type { Findings } from './checkers/findings.ts';
import type { ListenerChecker } from './checkers/listener.ts';
import { TransitionsChecker } from './checkers/transitions.ts';
import type { SimHost } from './host.ts';
import type { VirtualProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { Gossiper, Rumours, SimView } from './rumours.ts';
import type { Speaker, Wires } from './wires.ts';

export interface SimAgentPorts {
  readonly host: SimHost;
  readonly wires: Wires;
  readonly rumours: Rumours;
  readonly random: SeededRandom;
  readonly findings: Findings;
  readonly listeners: readonly ListenerChecker[];
  /** Time between two transitions of a check of this agent, on average. */
  readonly transitionEveryMs: number;
  /** Servers that are asked while gossip knows none. */
  readonly remembered: readonly KnownServer[];
  onHalt(agent: SimAgent, error: unknown): void;
}

const checks = 3;
const statuses = ['passing', 'warning', 'critical'] as const;

interface Running {
  readonly process: VirtualProcess;
  journal: Journal | null;
  state: LocalState | null;
  sync: AntiEntropy | null;
}

export class SimAgent implements Gossiper {
  readonly id: string;
  readonly host: SimHost;
  readonly server = null;
  readonly transitions: TransitionsChecker;
  readonly #ports: SimAgentPorts;
  /** How the checks stood after each record, as `local-store` would keep it. */
  readonly #rows: (readonly OwnCheck[])[] = [[]];
  #running: Running | null = null;
  #flapping = true;
  #marks = 0;

  constructor(id: string, ports: SimAgentPorts) {
    this.id = id;
    this.host = ports.host;
    this.#ports = ports;
    this.transitions = new TransitionsChecker(ports.findings, ports.host.name);
  }

  get name(): string {
    return this.host.name;
  }

  /** Records that the servers have not confirmed; null while no process has its journal open. */
  get waiting(): number | null {
    return this.host.up ? (this.#running?.journal?.length ?? null) : null;
  }

  get listeners(): readonly ListenerChecker[] {
    return this.#ports.listeners;
  }

  /** How this host's checks stand. */
  ownChecks(): readonly OwnCheck[] {
    return this.#running?.state?.ownChecks() ?? [];
  }

  start(): void {
    const process = this.#ports.host.boot();
    const running: Running = { process, journal: null, state: null, sync: null };
    this.#running = running;
    this.#run(running).catch((error: unknown) => {
      if (!process.stopped) this.#ports.onHalt(this, error);
    });
  }

  /** The checks stay as they are from now on. */
  calm(): void {
    this.#flapping = false;
  }

  /** A new event of the log. */
  entered(event: HealthEvent): void {
    this.transitions.entered(event);
  }

  async #run(running: Running): Promise<void> {
    const { host, rumours, random } = this.#ports;
    const { process } = running;
    const own = random.fork(`life ${host.lives}`);
    const view = rumours.listen(this);
    const pool = this.#pool(process, view, own);
    const ports = { disk: host.disk.ofProcess(), clock: process, random: own };
    const journal = await Journal.open(ports, 'journal', { segmentBytes: 4_096 });
    this.transitions.reopened(journal.lastRevision);
    this.#rows.length = journal.lastRevision + 1;
    const state = new LocalState(
      { wallMs: () => process.wallMs(), record: (draft) => void journal.append(draft) },
      { services: [], checks: this.#rows.at(-1)! },
    );
    Object.assign(running, { journal, state, sync: this.#sync(process, own, pool, journal, state) });
    for (let number = 0; number < checks; number++) {
      state.putCheck(checkOf(number));
      this.#rows[journal.lastRevision] = state.ownChecks();
    }
    view.onChange(() => pool.serversChanged());
    pool.start();
    running.sync!.start();
    this.#flap(running, own);
    await Promise.all(this.#ports.listeners.map((listener) => this.#listen(process, pool, own, listener)));
  }

  #pool(process: VirtualProcess, view: SimView, random: SeededRandom): ServerPool {
    const { host, wires, remembered } = this.#ports;
    const peer = { nodeId: this.id, node: host.name, kind: 'agent', clusterId: '' } as const;
    const speaker: Speaker = { host, site: host.site, process, peer: () => peer };
    return new ServerPool({
      clock: process,
      random,
      connect: (address, signal) => wires.dial(speaker, address, signal),
      servers: () =>
        view.members().flatMap((member) => {
          if (member.server === null || !isThere(member)) return [];
          return [{ nodeId: member.id, name: member.name, address: member.server.rpc }];
        }),
      remembered,
    });
  }

  #sync(
    process: VirtualProcess,
    random: SeededRandom,
    pool: ServerPool,
    journal: Journal,
    state: LocalState,
  ): AntiEntropy {
    const identity = {
      node: this.name,
      nodeId: this.id,
      address: this.host.site,
      datacenter: 'dc1',
      taggedAddresses: {},
      meta: {},
    };
    return new AntiEntropy({
      clock: process,
      random,
      rpc: pool,
      journal,
      state,
      identity: () => identity,
      clusterSize: () => 10,
      onConnected: (listener) => pool.onConnected(listener),
      report() {},
    });
  }

  #flap(running: Running, random: SeededRandom): void {
    const { transitionEveryMs } = this.#ports;
    running.process.after(random.between(0, 2 * transitionEveryMs), () => {
      const { state, journal } = running;
      if (state === null || journal === null || !this.#flapping) return;
      const check = random.pick(state.ownChecks());
      const status = random.pick(statuses.filter((other) => other !== check.status));
      this.#marks += 1;
      const mark = `${this.name} transition ${this.#marks}`;
      this.transitions.observed(journal.lastRevision + 1, mark);
      state.changeStatus(check.id, status, mark, 'check');
      this.#rows[journal.lastRevision] = state.ownChecks();
      this.#flap(running, random);
    });
  }

  /** Reads on from where it was, over restarts and lost servers; now and then it takes its time. */
  async #listen(
    process: VirtualProcess,
    pool: ServerPool,
    random: SeededRandom,
    listener: ListenerChecker,
  ): Promise<void> {
    const pause = (delayMs: number) => new Promise<void>((resolve) => process.after(delayMs, resolve));
    while (!process.stopped) {
      const abort = new AbortController();
      const request = { after: listener.at, logId: '', filter: everyEvent };
      try {
        for await (const record of followEvents(pool, request, { clock: process, signal: abort.signal })) {
          if (process.stopped) return;
          listener.receive(record);
          if (random.chance(0.02)) await pause(random.between(0, 1_000));
          if (random.chance(0.01)) break;
        }
      } catch (error) {
        if (!isExpected(error)) throw error;
        await pause(random.between(100, 1_000));
      }
    }
  }
}

function checkOf(number: number): OwnCheck {
  return {
    id: `check-${number}`,
    name: `check ${number}`,
    notes: '',
    status: 'passing',
    output: '',
    serviceId: '',
    type: 'http',
    definition: {},
  };
}
