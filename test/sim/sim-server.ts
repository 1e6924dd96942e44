/**
 * One server of the simulated world: the real parts, put together by the real `Server`, over a simulated host. What runs it
 * is like systemd: a process that ended by itself is started again after a moment.
 */
import { type ExpectedError, isExpected, messageOf } from '../../proto/errors.ts';
import type { Logger } from '../../proto/logger.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Entry, RaftMessage, ServerId } from '../../proto/raft.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import type { Consensus } from '../../server/consensus.ts';
import type { Applied, Fsm } from '../../server/fsm/fsm.ts';
import type { ServerTags } from '../../server/gossip-view.ts';
import { Server, type ServerConfig, type ServerTransport, type TransportHost } from '../../server/server.ts';
import type { SimHost } from './host.ts';
import { PeerRpc } from './peer-rpc.ts';
import type { VirtualProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { Gossiper, Rumours, SimView } from './rumours.ts';
import type { Speaker, Wires } from './wires.ts';

export const rpcPort = 8300;

/** What the checkers see of a server while it runs. */
export interface ServerWatch {
  /** Before the message leaves. */
  sending(server: SimServer, message: RaftMessage): void;
  /** It has been dealt with. */
  received(server: SimServer, message: RaftMessage): void;
  applied(server: SimServer, entry: Entry, applied: Applied, fsm: Fsm): void;
  standing(server: SimServer, consensus: Consensus): void;
  /** Its log, snapshot and events were read from disk, and nothing was done with them yet. */
  opened(server: SimServer, consensus: Consensus): void;
}

export interface SimServerPorts {
  readonly host: SimHost;
  readonly wires: Wires;
  readonly rumours: Rumours;
  readonly random: SeededRandom;
  readonly config: ServerConfig;
  readonly watch: ServerWatch;
  readonly logger: Logger;
  /** Messages of one batch travel alone and may overtake each other. */
  readonly looseMessages: boolean;
  /**
   * Share of the appends of which only a beginning leaves, often nothing but the place where it would go on: a follower has to
   * get along with every leader that keeps the rules, not only with ours, which sends as much as it can.
   */
  readonly shortAppendShare: number;
  /** What it defers to its next turn comes after so long. */
  readonly turnMs: number;
  /** Ended by itself: the disk failed, or something that should not happen. */
  onHalt(server: SimServer, error: Error): void;
}

interface Running {
  readonly process: VirtualProcess;
  readonly view: SimView;
  /** Null until its folder is open. */
  server: Server | null;
}

export class SimServer implements Gossiper {
  readonly id: ServerId;
  readonly host: SimHost;
  readonly server: ServerTags;
  readonly #ports: SimServerPorts;
  #running: Running | null = null;
  /** Called before each message that leaves; may end the process. */
  onSend: (() => void) | null = null;
  /** What the last process had when it ended: the entry up to which it had applied everything, with all events from `first` on. */
  held: { readonly applied: number; readonly first: number } | null = null;
  /** The process that runs now gave up its vote: it joins no more until it is started again. */
  isLeaving = false;

  constructor(id: ServerId, ports: SimServerPorts) {
    this.id = id;
    this.host = ports.host;
    this.server = { rpc: { host: ports.host.site, port: rpcPort }, expect: ports.config.expect };
    this.#ports = ports;
  }

  get name(): string {
    return this.host.name;
  }

  /** Log, state machine and driver of the process that runs now; null before it has met its cluster. */
  get consensus(): Consensus | null {
    return this.host.up ? (this.#running?.server?.consensus ?? null) : null;
  }

  get view(): SimView | null {
    return this.host.up ? (this.#running?.view ?? null) : null;
  }

  get isLeader(): boolean {
    return this.consensus?.replica.isLeader ?? false;
  }

  start(): void {
    const { host, rumours } = this.#ports;
    const process = host.boot();
    this.isLeaving = false;
    const running: Running = { process, view: rumours.listen(this), server: null };
    this.#running = running;
    host.onEnd(() => this.#noteHeld(running));
    this.#run(running).catch((error: unknown) => this.#halt(process, error));
  }

  /** Gives up its vote; resolves when the others have forgotten it. */
  async leave(): Promise<void> {
    this.isLeaving = true;
    await this.#running?.server?.leave();
  }

  async #run(running: Running): Promise<void> {
    const { host, random, config, watch, logger, turnMs } = this.#ports;
    const { process, view } = running;
    const own = random.fork(`life ${host.lives}`);
    const disk = host.disk.ofProcess();
    const folder = await DataFolder.open('data', {
      disk,
      random: own,
      clock: process,
      nodeId: this.id,
    });
    let opened = false;
    const server = new Server({
      config,
      disk,
      folder,
      clock: process,
      random: own,
      gossip: view,
      logger,
      transport: (transportHost) => this.#transport(process, transportHost),
      defer: (run) => void process.after(turnMs, run),
      onHalt: (error) => this.#halt(process, error),
      onApplied: (entry, applied, fsm) => {
        if (process.stopped) return;
        if (!opened) noteOpened();
        watch.applied(this, entry, applied, fsm);
      },
    });
    const noteOpened = () => {
      opened = true;
      if (server.consensus !== null) watch.opened(this, server.consensus);
    };
    running.server = server;
    server.onCluster((consensus) => {
      if (process.stopped) return;
      if (!opened) noteOpened();
      consensus.replica.onStanding(() => {
        if (!process.stopped) watch.standing(this, consensus);
      });
      watch.standing(this, consensus);
    });
    await server.start();
  }

  #watched(process: VirtualProcess, handlers: TransportHost['handlers']): TransportHost['handlers'] {
    const { notices } = handlers;
    const receive: (typeof notices)['raft.messages'] = (params, peer) => {
      notices['raft.messages'](params, peer);
      if (process.stopped || this.consensus === null) return;
      for (const message of params.messages) this.#ports.watch.received(this, message);
    };
    return { ...handlers, notices: { ...notices, 'raft.messages': receive } };
  }

  #perhapsShorter(message: RaftMessage, random: SeededRandom): RaftMessage {
    const { shortAppendShare } = this.#ports;
    if (message.type !== 'append' || shortAppendShare === 0 || !random.chance(shortAppendShare))
      return message;
    const { entries } = message;
    return { ...message, entries: entries.slice(0, random.chance(0.5) ? 0 : random.int(0, entries.length)) };
  }

  #noteHeld({ server }: Running): void {
    const consensus = server?.consensus ?? null;
    this.held =
      consensus?.events.missing === null
        ? { applied: consensus.fsm.state.index, first: consensus.events.first }
        : null;
  }

  #halt(process: VirtualProcess, error: unknown): void {
    if (process.stopped) return;
    this.#ports.onHalt(this, error instanceof Error ? error : new Error(messageOf(error)));
  }

  #transport(process: VirtualProcess, { handlers, identity }: TransportHost): ServerTransport {
    const { host, wires, watch, looseMessages } = this.#ports;
    const random = this.#ports.random.fork(`messages of life ${host.lives}`);
    const speaker: Speaker = { host, site: host.site, process, peer: identity };
    const addresses = new Map<ServerId, Endpoint>();
    const rpcs = new Map<ServerId, PeerRpc>();
    let close = () => {};
    const send = (to: ServerId, given: readonly RaftMessage[]) => {
      const address = addresses.get(to);
      const messages = given.map((message) => this.#perhapsShorter(message, random));
      for (const message of messages) {
        if (process.stopped) return;
        watch.sending(this, message);
        this.onSend?.();
        if (address !== undefined && looseMessages) wires.datagram(speaker, address, to, [message]);
      }
      if (!process.stopped && address !== undefined && !looseMessages)
        wires.datagram(speaker, address, to, messages);
    };
    return {
      links: {
        setAddress: (id, address) => void addresses.set(id, address),
        forget: (id) => void addresses.delete(id),
        send,
        rpc: (to) => {
          const known = rpcs.get(to);
          if (known !== undefined) return known;
          const nowhere = { host: 'nowhere', port: 0 };
          const rpc = new PeerRpc(wires, speaker, () => addresses.get(to) ?? nowhere);
          rpcs.set(to, rpc);
          return rpc;
        },
      },
      start: async () => {
        close = wires.listen({ ...speaker, handlers: this.#watched(process, handlers) });
        return this.server.rpc;
      },
      agent: () => null,
      announceCluster() {},
      stop: async () => close(),
    };
  }
}

/** Whether a server may end with this error when its disk was made to fail. */
export function isDiskFault(error: unknown): error is ExpectedError {
  return isExpected(error, 'CANNOT_WRITE') || isExpected(error, 'DISK_DAMAGED');
}
