/**
 * Events that a snapshot did not bring, or that this disk has lost, from another server. A snapshot holds the state and
 * not the way to it; until the hole is filled, readers of that range are passed on to whoever has it.
 */

import { isExpected, messageOf } from '../proto/errors.ts';
import { everyEvent } from '../proto/event-filter.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import type { EventLog } from './event-log.ts';
import { StoredEvent } from './recent-events.ts';

export interface OtherServers {
  /** All other servers, the leader first. */
  others(): readonly ServerId[];
  rpc(server: ServerId): Rpc;
}

/**
 * Events behind `after`, each following the one before, from the first server that has them; ends when that one is lost
 * or has trimmed what comes next, or with nothing when nobody has it. A gap is for this server to tell, once it knows of it.
 */
export async function* eventsElsewhere(
  { others, rpc }: OtherServers,
  { after, logId }: { readonly after: number; readonly logId: string },
  signal: AbortSignal,
): AsyncGenerator<HealthEvent, void, undefined> {
  let at = after;
  for (const id of others()) {
    try {
      const { firstOffset } = await rpc(id).call('status', {});
      if (firstOffset > at + 1) continue;
      const params = { after: at, logId, filter: everyEvent };
      for await (const record of rpc(id).stream('events.read', params, { signal })) {
        if ('Gap' in record) break;
        if (!('Offset' in record)) continue;
        at = record.Offset;
        yield record;
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
    if (signal.aborted || at > after) return;
  }
}

export interface BackfillPorts extends OtherServers {
  readonly events: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often it is looked whether something is missing: a snapshot may come at any time. */
const lookMs = 1_000;
/** Events that are written at once. */
const batchMax = 256;

export class EventBackfill {
  readonly #ports: BackfillPorts;
  readonly #abort = new AbortController();
  #timer: Timer | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(ports: BackfillPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#timer = this.#ports.clock.after(lookMs, () => {
      this.#work = this.#fill().then(() => {
        if (!this.#abort.signal.aborted) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await this.#work;
  }

  async #fill(): Promise<void> {
    const { events, logger } = this.#ports;
    const hole = events.missing;
    if (hole === null) return;
    try {
      await this.#fetch(hole.from - 1, hole.to);
    } catch (error) {
      if (!isExpected(error)) throw error;
      logger.warn(`events ${hole.from} to ${hole.to} are not here yet: ${messageOf(error)}`);
    }
    if (events.missing === null)
      logger.info(`events ${hole.from} to ${hole.to} were fetched from another server`);
  }

  async #fetch(after: number, to: number): Promise<void> {
    const { events } = this.#ports;
    let batch: StoredEvent[] = [];
    for await (const event of eventsElsewhere(
      this.#ports,
      { after, logId: events.logId },
      this.#abort.signal,
    )) {
      batch.push(StoredEvent.from(event));
      if (batch.length < batchMax && event.Offset < to) continue;
      if (!(await this.#keep(batch))) return;
      batch = [];
      if (event.Offset >= to) return;
    }
    if (batch.length > 0) await this.#keep(batch);
  }

  /** False when the hole has changed meanwhile: retention reached it, or the log went to another place. */
  async #keep(batch: readonly StoredEvent[]): Promise<boolean> {
    const { events } = this.#ports;
    const hole = events.missing;
    const fitting = batch.filter(({ offset }) => hole !== null && offset >= hole.from && offset <= hole.to);
    if (fitting[0]?.offset !== hole?.from) return false;
    await events.backfill(fitting);
    return true;
  }
}
