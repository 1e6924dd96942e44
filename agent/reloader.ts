/**
 * Reading the configuration again, whoever asks for it: a signal, a client, a changed file. One after the other, all or
 * nothing, and never silent: what changed is told item by item, and a refusal is an answer, a line and a check.
 */
import { messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { ConfigDifference } from './reload.ts';

export interface ReloaderPorts {
  /** Rejects with everything that is wrong. */
  read(): Promise<AgentConfig>;
  /** Takes the new configuration over; nothing of it can be refused any more. */
  apply(next: AgentConfig): ConfigDifference;
  /** What was wrong with the newest attempt, or null. */
  report(problem: string | null): void;
  readonly logger: Logger;
}

export class Reloader {
  readonly #ports: ReloaderPorts;
  #running: Promise<ConfigDifference> | null = null;
  /** For all who ask during a reload: the files may have changed since it read them. */
  #next: Promise<ConfigDifference> | null = null;

  constructor(ports: ReloaderPorts) {
    this.#ports = ports;
  }

  /** Rejects with what is wrong with the files, and then nothing has changed. */
  reload(): Promise<ConfigDifference> {
    if (this.#running === null) {
      this.#running = this.#reload().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    const again = () => {
      this.#next = null;
      return this.reload();
    };
    this.#next ??= this.#running.then(again, again);
    return this.#next;
  }

  async #reload(): Promise<ConfigDifference> {
    const { read, apply, report, logger } = this.#ports;
    let next: AgentConfig;
    try {
      next = await read();
    } catch (error) {
      report(messageOf(error));
      logger.error(`reload refused, nothing has changed: ${messageOf(error)}`);
      throw error;
    }
    const difference = apply(next);
    report(null);
    const { items, live, restart } = difference;
    logger.info('configuration reloaded', { items: items.length, live, restart });
    for (const { item, id, change } of items) logger.info(`reload: ${item} ${id} ${change}`);
    return difference;
  }
}
