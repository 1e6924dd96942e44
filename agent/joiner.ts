/**
 * Finds the others, and does not give up: the addresses of `retry_join` and `--join` are tried for ever while no server
 * is in view, soon at first and then at the configured interval. Those of `start_join` are tried once, before all others.
 * Each failure is said, and so is the next attempt.
 */
import { messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { JoinResult } from './gossip/membership.ts';

const firstRetryMs = 1_000;

export interface JoinerPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  join(addresses: readonly string[]): Promise<JoinResult>;
  /** Whether somebody is in view who leads further: then nothing needs to be tried. */
  serverInView(): boolean;
}

export class Joiner {
  readonly #ports: JoinerPorts;
  #addresses: readonly string[];
  #intervalMs: number;
  #retryMs = firstRetryMs;
  #timer: Timer | null = null;
  #stopped = false;
  #wasAlone = false;
  #hasTried = false;

  constructor(ports: JoinerPorts, addresses: readonly string[], intervalMs: number) {
    this.#ports = ports;
    this.#addresses = addresses;
    this.#intervalMs = intervalMs;
  }

  /** `once`: addresses that are tried this one time. */
  start(once: readonly string[] = []): void {
    void this.#begin(once);
  }

  /** Whether each address has been asked once, or there is none: whoever is to be found at the start has been found. */
  get hasTried(): boolean {
    return this.#hasTried;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** After a reload. */
  configure(addresses: readonly string[], intervalMs: number): void {
    this.#addresses = addresses;
    this.#intervalMs = intervalMs;
    this.#retryMs = Math.min(this.#retryMs, intervalMs);
  }

  async #begin(once: readonly string[]): Promise<void> {
    if (once.length > 0) {
      for (const { address, message } of await this.#failuresOfJoin(once)) {
        this.#ports.logger.warn(`cannot join ${address}: ${message}`);
      }
    }
    if (!this.#stopped) await this.#attempt();
  }

  async #attempt(): Promise<void> {
    const waitMs = this.#retryMs;
    if (this.#ports.serverInView()) {
      if (this.#wasAlone) this.#ports.logger.info('a server is in view');
      this.#wasAlone = false;
      this.#retryMs = firstRetryMs;
    } else if (this.#addresses.length > 0) {
      this.#retryMs = Math.min(this.#intervalMs, waitMs * 2);
      await this.#join(waitMs);
    }
    this.#hasTried = true;
    if (this.#stopped) return;
    this.#timer = this.#ports.clock.after(waitMs, () => void this.#attempt());
  }

  async #join(waitMs: number): Promise<void> {
    const failures = await this.#failuresOfJoin(this.#addresses);
    if (this.#stopped || this.#ports.serverInView()) return;
    // Whoever answered may need a moment to tell us of the servers.
    if (failures.length === 0 && !this.#wasAlone) {
      this.#wasAlone = true;
      return;
    }
    this.#wasAlone = true;
    const reasons = failures.map(({ address, message }) => `${address} (${message})`).join(', ');
    const what =
      reasons === '' ? `no server is in view behind ${this.#addresses.join(', ')}` : `cannot join ${reasons}`;
    this.#ports.logger.warn(`${what}; trying again in ${(waitMs / 1000).toFixed(0)} s`);
  }

  async #failuresOfJoin(addresses: readonly string[]): Promise<JoinResult['failures']> {
    try {
      return (await this.#ports.join(addresses)).failures;
    } catch (error) {
      return [{ address: addresses.join(', '), message: messageOf(error) }];
    }
  }
}
