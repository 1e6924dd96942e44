/** What is done every now and then: forget members whose time is over, and knock at the doors of those that failed. */
import type { Deadline } from '../deadlines.ts';
import type { Parts } from '../parts.ts';
import type { MemberRecord } from '../records.ts';
import { reconnectChance } from '../scale.ts';
import type { Intents } from './intents.ts';
import type { Roll } from './roll.ts';

/** A goodbye takes a few seconds; whoever is still there after this has been slandered, or has thought better of it. */
const goodbyeMsMax = 30_000;

export class Upkeep {
  readonly #parts: Parts;
  readonly #roll: Roll;
  readonly #intents: Intents;
  readonly #onReaped: (number: number) => void;
  readonly #onStayed: (number: number) => void;
  readonly #reconnect: (record: MemberRecord) => void;
  #reaping: Deadline | null = null;
  #reconnecting: Deadline | null = null;

  constructor(options: {
    parts: Parts;
    roll: Roll;
    intents: Intents;
    onReaped: (number: number) => void;
    /** A member that was said to leave is there all the same. */
    onStayed: (number: number) => void;
    /** Tries a full exchange with a member that failed. */
    reconnect: (record: MemberRecord) => void;
  }) {
    this.#parts = options.parts;
    this.#roll = options.roll;
    this.#intents = options.intents;
    this.#onReaped = options.onReaped;
    this.#onStayed = options.onStayed;
    this.#reconnect = options.reconnect;
  }

  start(): void {
    const { config, deadlines } = this.#parts;
    this.#reaping = deadlines.after(config.reapIntervalMs, this.#onReap);
    this.#reconnecting = deadlines.after(config.reconnectIntervalMs, this.#onReconnect);
  }

  stop(): void {
    this.#reaping?.cancel();
    this.#reconnecting?.cancel();
  }

  readonly #onReap = (): void => {
    const { config, deadlines, self } = this.#parts;
    this.#reaping = deadlines.after(config.reapIntervalMs, this.#onReap);
    this.#intents.dropOld();
    const nowMs = deadlines.nowMs();
    const isOver = (number: number, keptMs: number) => nowMs - this.#roll.sinceMs(number) > keptMs;
    for (const number of [...this.#roll.failed])
      if (isOver(number, config.reconnectTimeoutMs)) this.#onReaped(number);
    for (const number of [...this.#roll.leaving]) {
      if (number !== self.number && isOver(number, goodbyeMsMax)) this.#onStayed(number);
    }
    for (const number of [...this.#roll.left])
      if (isOver(number, config.tombstoneTimeoutMs)) this.#onReaped(number);
  };

  readonly #onReconnect = (): void => {
    const { config, deadlines, members, random } = this.#parts;
    this.#reconnecting = deadlines.after(config.reconnectIntervalMs, this.#onReconnect);
    const failed = [...this.#roll.failed];
    if (failed.length === 0 || random.unit() >= reconnectChance(failed.length, members.aliveCount)) return;
    this.#reconnect(this.#roll.record(failed[Math.floor(random.unit() * failed.length)]!));
  };
}
