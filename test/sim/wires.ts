/**
 * RPC between simulated processes: who listens where, connections, and datagrams for Raft, which the network may lose,
 * double and shuffle more than any TCP connection would.
 */
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { RaftMessage, ServerId } from '../../proto/raft.ts';
import { dialTimeoutMs } from '../../server/rpc/client.ts';
import {
  type AnsweringSide,
  type ConnectionSide,
  type ConnectionWorld,
  SimConnection,
} from './connection.ts';
import type { SimHost } from './host.ts';
import type { SeededRandom } from './random.ts';

export interface Speaker extends ConnectionSide {
  readonly host: SimHost;
}

export interface Station extends AnsweringSide {
  readonly host: SimHost;
}

interface Line {
  readonly connection: SimConnection;
  readonly caller: Speaker;
  readonly station: Station;
  /** Silence after which both sides give it up. */
  readonly patienceMs: number;
  silentMs: number;
}

/** Time between two looks at all connections. */
const lookMs = 1_000;
/** How long a side waits in silence, drawn for each connection; production gives up after 20 s. */
const patience = { leastMs: 4_000, mostMs: 20_000 };

export class Wires {
  readonly #world: ConnectionWorld;
  readonly #random: SeededRandom;
  readonly #stations = new Map<string, Station>();
  #lines: Line[] = [];

  constructor(world: ConnectionWorld, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
    this.#lookAgain();
  }

  /** The station is reached at its site until its process ends, or the returned function is called. */
  listen(station: Station): () => void {
    this.#stations.set(station.site, station);
    const close = () => {
      if (this.#stations.get(station.site) === station) this.#stations.delete(station.site);
    };
    station.host.onEnd(close);
    return close;
  }

  /** Rejects with CONNECTION_LOST when nobody listens there, or nobody answers in time. */
  dial(caller: Speaker, to: Endpoint, signal?: AbortSignal): Promise<SimConnection> {
    const { network } = this.#world;
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new ExpectedError('STOPPING'));
      const refuse = (why: string) => {
        timer.cancel();
        signal?.removeEventListener('abort', giveUp);
        reject(new ExpectedError('CONNECTION_LOST', `${to.host}: ${why}`));
      };
      const timer = caller.process.after(dialTimeoutMs, () => refuse('no answer'));
      signal?.addEventListener('abort', giveUp, { once: true });
      const back = (act: () => void) =>
        network.carry(to.host, caller.site, network.streamDelayMs(), () => caller.process.deliver(act));
      network.carry(caller.site, to.host, network.streamDelayMs(), () => {
        const station = this.#stations.get(to.host);
        if (station === undefined) return back(() => refuse('connection refused'));
        station.process.deliver(() =>
          back(() => {
            timer.cancel();
            signal?.removeEventListener('abort', giveUp);
            if (station.process.stopped) refuse('connection reset');
            else if (!signal?.aborted) resolve(this.#connect(caller, station));
          }),
        );
      });
    });
  }

  /** Raft's messages to one server. */
  datagram(from: Speaker, to: Endpoint, toId: ServerId, messages: readonly RaftMessage[]): void {
    const { clock, network, trace } = this.#world;
    const peer = from.peer();
    network.scatter(from.site, to.host, () => {
      const station = this.#stations.get(to.host);
      if (station === undefined || station.peer().nodeId !== toId) return;
      trace.mix(Math.round(clock.nowMs() * 1_000) | 0);
      for (const message of messages) trace.mixText(message.type);
      station.process.deliver(() => station.handlers.notices['raft.messages']({ messages }, peer));
    });
  }

  #connect(caller: Speaker, station: Station): SimConnection {
    const connection = new SimConnection(this.#world, caller, station);
    const patienceMs = this.#random.between(patience.leastMs, patience.mostMs);
    this.#lines.push({ connection, caller, station, patienceMs, silentMs: 0 });
    const { network } = this.#world;
    // A host that is still there says so when a process of it has ended.
    station.host.onEnd(() =>
      network.carry(station.site, caller.site, network.streamDelayMs(), () => connection.loseHere()),
    );
    caller.host.onEnd(() =>
      network.carry(caller.site, station.site, network.streamDelayMs(), () => connection.loseThere()),
    );
    return connection;
  }

  #lookAgain(): void {
    this.#world.clock.after(lookMs, () => {
      for (const line of this.#lines) this.#look(line);
      this.#lines = this.#lines.filter(({ connection }) => !connection.over);
      this.#lookAgain();
    });
  }

  #look(line: Line): void {
    const { connection, caller, station } = line;
    const { network } = this.#world;
    const reached = network.reaches(caller.site, station.site) && network.reaches(station.site, caller.site);
    if (reached && (caller.process.stopped || station.process.stopped)) void connection.close();
    line.silentMs = reached ? 0 : line.silentMs + lookMs;
    if (line.silentMs >= line.patienceMs) void connection.close();
  }
}
