/**
 * Knocks at ports: a packet from a connected UDP socket of its own, whose error tells that the host answered "port
 * unreachable" (ICMP) for a process that is gone. The main socket cannot hear that, because it is connected to nobody.
 *
 * Anybody may send such an error, and quotes the right port at the latest when all have been tried. Therefore further
 * sockets are opened beside the one that knocks, on ports of the system's choice, and send nothing: an error there
 * answers to nothing, so it is forged, and all that came with it. A forger that tries a share `p` of all ports is
 * believed with the probability p·(1−p)^7, at best 5 in 100. A verdict needs a believed answer at two members, when
 * they begin to suspect and at the last look, and whoever begins to suspect asks three helpers: at best 5 in 100,000,
 * and all that time no ack may come over any way.
 */
import type { Socket } from 'node:dgram';
import type { Endpoint } from '../proto/ports.ts';
import type { Echo, Knock } from './gossip/refusal.ts';
import { reachableFrom, udpSocketFor } from './udp.ts';

/** Sockets beside the one that knocks, which should hear nothing. */
const listenersCount = 7;
/** Knocks at once, of eight sockets each; a further one hears nothing. */
const knocksMax = 16;

export class Knocker {
  readonly counters = { knocksTooMany: 0 };
  readonly #localHost: string;
  readonly #makeSocket: typeof udpSocketFor;
  readonly #open = new Set<() => void>();
  #closed = false;

  /** Knocks from where `localHost` says, as the main socket does. */
  constructor(localHost: string, makeSocket = udpSocketFor) {
    this.#localHost = localHost;
    this.#makeSocket = makeSocket;
  }

  readonly knock: Knock = (to, packet, forMs, onEcho) => {
    const host = reachableFrom(this.#localHost, to.host);
    if (this.#closed || host === undefined) return;
    if (this.#open.size >= knocksMax) {
      this.counters.knocksTooMany += 1;
      return;
    }
    const sockets = Array.from({ length: 1 + listenersCount }, () => this.#makeSocket(this.#localHost));
    const end = () => {
      clearTimeout(limit);
      this.#open.delete(end);
      for (const socket of sockets) socket.close();
    };
    const limit = setTimeout(end, forMs);
    this.#open.add(end);
    let last: Echo | null = null;
    const hear = (echo: Echo) => {
      if (!this.#open.has(end) || last === 'forged' || last === echo) return;
      last = echo;
      onEcho(echo);
    };
    let connected = 0;
    sockets.forEach((socket, index) => {
      // Other errors are weather: no way there, or no port left on our side.
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNREFUSED') hear(index === 0 ? 'unreachable' : 'forged');
      });
      connect(socket, this.#localHost, { host, port: to.port }, () => {
        connected += 1;
        // Not before all listen, or a forger would find the one that knocks alone.
        if (connected === sockets.length && this.#open.has(end)) sockets[0]!.send(packet, () => {});
      });
    });
  };

  close(): void {
    this.#closed = true;
    for (const end of this.#open) end();
  }
}

function connect(socket: Socket, localHost: string, to: Endpoint, onConnected: () => void): void {
  socket.bind({ address: localHost, port: 0 }, () => {
    socket.connect(to.port, to.host, (error?: Error | null) => {
      if (!error) onConnected();
    });
  });
}
