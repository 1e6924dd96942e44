/** A connection that may be cut at any time: each new one goes to one of the agents, drawn anew. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Relay {
  readonly #ports: readonly number[];
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#server = createServer((socket) => this.#join(socket));
  }

  /** In front of these ports of this host. */
  static async start(ports: readonly number[]): Promise<Relay> {
    const relay = new Relay(ports);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  stop(): void {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket): void {
    const port = this.#ports[Math.floor(Math.random() * this.#ports.length)]!;
    const far = connect(port, '127.0.0.1');
    const both = [near, far];
    for (const socket of both) {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#open.delete(socket);
        for (const each of both) each.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}
