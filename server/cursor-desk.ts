/**
 * The leader's desk for named readers: who reads with which name now, and what they confirm on its way into the log.
 *
 * Who reads is the leader's own knowledge and dies with its leadership, since the readers then come to the next one. What
 * is confirmed goes through Raft, at most once a second for each cursor, since a reader may confirm every single event.
 */
import { ExpectedError } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { CursorName, CursorStatus } from '../proto/rpc.ts';
import type { CommandBody } from '../proto/schema/command.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import type { State } from './fsm/state.ts';
import { countEvents } from './gaps.ts';

export interface CursorDeskPorts {
  readonly clock: Clock;
  state(): Readonly<State>;
  propose(body: CommandBody): Promise<unknown>;
}

/** A reader that takes nothing for so long, although there is something, or confirms nothing, makes room for the next. */
const silenceMs = 10_000;
/** How often one that waits looks whether it may read. */
const lookMs = 500;
/** Time between two writes of one cursor. */
const writeEveryMs = 1_000;

/**
 * The right to read with a name. Whoever holds it says when it hands something over and when that was taken.
 *
 * A process that was stopped, or whose host is gone, takes what fits into its socket for a long time. So a reader that
 * confirms is also known by that: it is silent when it has something to confirm and says nothing, not even what it said
 * before. One that has never confirmed anything may be of the kind that does not.
 */
export class Lease {
  readonly #clock: Clock;
  #handedMs: number | null = null;
  /** The last event that was handed over, and since when something is there that was not confirmed. */
  #handed = 0;
  #owesMs: number | null = null;
  /** Its last word about what it has dealt with; null before the first. */
  #confirmed: { readonly offset: number; readonly atMs: number } | null = null;
  #lost: ExpectedError | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something is offered to the reader; `offset` when it is an event. Throws when somebody else reads by now. */
  hand(offset?: number): void {
    if (this.#lost !== null) throw this.#lost;
    this.#handedMs = this.#clock.nowMs();
    if (offset === undefined) return;
    this.#handed = offset;
    this.#owesMs ??= this.#handedMs;
  }

  /** The reader took it. Throws when somebody else reads by now. */
  taken(): void {
    this.#handedMs = null;
    if (this.#lost !== null) throw this.#lost;
  }

  /** What lies behind its last word comes from somebody else of that name, who waits. */
  confirm(offset: number): void {
    if (offset < (this.#confirmed?.offset ?? 0)) return;
    this.#confirmed = { offset, atMs: this.#clock.nowMs() };
    if (offset >= this.#handed) this.#owesMs = null;
  }

  get isSilent(): boolean {
    const nowMs = this.#clock.nowMs();
    if (this.#handedMs !== null && nowMs - this.#handedMs >= silenceMs) return true;
    if (this.#confirmed === null || this.#owesMs === null) return false;
    return nowMs - Math.max(this.#owesMs, this.#confirmed.atMs) >= silenceMs;
  }

  lose(error: ExpectedError): void {
    this.#lost ??= error;
  }
}

interface Unwritten {
  offset: number;
  readonly settled: Promise<void>;
}

export class CursorDesk {
  readonly #ports: CursorDeskPorts;
  readonly #leases = new Map<string, Lease>();
  readonly #unwritten = new Map<string, Unwritten>();
  readonly #writtenMs = new Map<string, number>();

  constructor(ports: CursorDeskPorts) {
    this.#ports = ports;
  }

  lead(): void {}

  follow(): void {
    for (const lease of this.#leases.values()) lease.lose(new ExpectedError('NOT_LEADER'));
    this.#leases.clear();
    this.#writtenMs.clear();
  }

  /** Resolves when nobody else reads with this name; null when the reader went away meanwhile. */
  async claim(cursor: CursorName, signal: AbortSignal): Promise<Lease | null> {
    const key = keyOf(cursor);
    for (;;) {
      const held = this.#leases.get(key);
      if (signal.aborted) return null;
      if (held === undefined || held.isSilent) {
        held?.lose(new ExpectedError('BUSY', `another reader took ${cursor.name} over`));
        const lease = new Lease(this.#ports.clock);
        this.#leases.set(key, lease);
        return lease;
      }
      await new Promise<void>((resolve) => this.#ports.clock.after(lookMs, resolve));
    }
  }

  release(cursor: CursorName, lease: Lease): void {
    const key = keyOf(cursor);
    if (this.#leases.get(key) === lease) this.#leases.delete(key);
  }

  /** Where a reader of this name goes on. A name that is new begins at `start`, which is kept before it reads. */
  async begin({ name, share }: CursorName, start: number): Promise<number> {
    const known = this.#ports.state().cursors.find(name, share);
    if (known !== undefined) return known.offset;
    await this.#ports.propose({ kind: 'cursor.put', v: 1, name, share, offset: start });
    return start;
  }

  /** Resolves when it is in the log, together with what else was confirmed for this cursor within a second. */
  async acknowledge(cursor: CursorName, offset: number): Promise<void> {
    const { state, clock } = this.#ports;
    const { last } = state().events;
    if (offset > last) {
      throw new ExpectedError('OFFSET_FUTURE', `offset ${offset} lies beyond the last event, ${last}`);
    }
    const key = keyOf(cursor);
    this.#leases.get(key)?.confirm(offset);
    // Said again as a sign of life, which costs no entry.
    if ((state().cursors.find(cursor.name, cursor.share)?.offset ?? -1) >= offset) return;
    const waiting = this.#unwritten.get(key);
    if (waiting !== undefined) {
      waiting.offset = Math.max(waiting.offset, offset);
      return waiting.settled;
    }
    const dueMs = (this.#writtenMs.get(key) ?? Number.NEGATIVE_INFINITY) + writeEveryMs;
    const waitMs = Math.max(0, dueMs - clock.nowMs());
    const settled = new Promise<void>((resolve) => clock.after(waitMs, resolve)).then(() =>
      this.#write(cursor),
    );
    this.#unwritten.set(key, { offset, settled });
    return settled;
  }

  list(): CursorStatus[] {
    const { cursors, events } = this.#ports.state();
    return cursors.all().map(({ name, share, offset }) => {
      const taken = this.#leases.has(keyOf({ name, share }));
      const lag = countEvents(events.gaps, offset + 1, events.last);
      return { name, share, offset, lag, taken };
    });
  }

  async #write(cursor: CursorName): Promise<void> {
    const key = keyOf(cursor);
    const { offset } = this.#unwritten.get(key)!;
    this.#unwritten.delete(key);
    this.#writtenMs.set(key, this.#ports.clock.nowMs());
    await this.#ports.propose({ kind: 'cursor.put', v: 1, ...cursor, offset });
  }
}

/** Whether an event belongs to a share (`i/n`): by hash of its node, so that all of a node go to one reader. */
export function shareFilter(share: string): (event: HealthEvent) => boolean {
  if (share === '') return () => true;
  const [own, count] = share.split('/').map(Number) as [number, number];
  if (own > count) throw new ExpectedError('BAD_REQUEST', `share ${share}: there are only ${count}`);
  return (event) => hashOf(event.Node) % count === own - 1;
}

/** FNV-1a, 32 bits: the same on every server and in every version. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function keyOf({ name, share }: CursorName): string {
  return `${share} ${name}`;
}
