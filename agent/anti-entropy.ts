/**
 * Keeps the servers in step with this agent. What changes is in the journal and goes out at once, in order, until it is
 * confirmed. Now and then, and after each connection to a server, everything is compared, which heals what was
 * missed: a row that somebody removed, a catalog that was restored from an old snapshot. Digests are compared first; the
 * rows themselves are sent, and an entry is written for them, only when those differ.
 *
 *     journal has records ──▶ deliver a batch ──▶ confirmed: next batch
 *     journal is empty and a comparison is due ──▶ compare
 *     either fails ──▶ wait, longer each time; a new connection ends the waiting
 *
 * One request at a time: a comparison must not overtake a delivery, or the catalog would be set back for a moment.
 */
import { ExpectedError, isExpected } from '../proto/errors.ts';
import type { Clock, Random, Timer } from '../proto/ports.ts';
import { digestOfRows } from '../proto/rows-digest.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { OwnCheck, OwnService } from '../proto/schema/catalog.ts';
import type { AgentIdentity, JournalRecord } from '../proto/schema/journal.ts';
import { revisionBefore } from '../proto/schema/revision.ts';

/** Records of one delivery; with outputs at their limit about a megabyte. */
export const batchRecordsMax = 256;
const retryMsMin = 250;
const retryMsMax = 15_000;
/** After a connection the comparison waits up to this long, so that a new server is not met by all agents at once. */
const reconnectSpreadMs = 3_000;
/** Time between two comparisons in a small cluster; a random part of up to the same length comes on top. */
export const compareIntervalMs = 60_000;
const membersPerScale = 128;
/** After a comparison that found a difference the next one comes this soon, and later each time that there is one again. */
const verifyMs = 3_000;

/** What is asked of the journal (`agent/journal.ts`). */
export interface SyncJournal {
  readonly id: string;
  /** Number of the newest record ever appended, 0 before the first. */
  readonly lastRevision: number;
  /** Records that are not confirmed, also those that are not durable yet. */
  readonly length: number;
  /** The oldest records that are not confirmed, as far as they are durable. */
  pending(limit: number): readonly JournalRecord[];
  /** The servers hold everything up to this number. */
  confirm(revision: number): void;
  /** Returns the function that ends the subscription. */
  onAppend(listener: () => void): () => void;
}

/** What is asked of `agent/local-state.ts`: this host as it is now. */
export interface SyncState {
  ownServices(): readonly OwnService[];
  ownChecks(): readonly OwnCheck[];
}

/** What somebody may want to read in the log. */
export type SyncReport =
  | { readonly kind: 'failed'; readonly error: ExpectedError; readonly retryMs: number }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'repaired'; readonly repairs: number }
  /** The catalog had forgotten records that it had confirmed; what it lacks is repaired by comparison. */
  | { readonly kind: 'forgotten'; readonly confirmed: number; readonly held: number };

export interface AntiEntropyPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly rpc: Rpc;
  readonly journal: SyncJournal;
  readonly state: SyncState;
  identity(): AgentIdentity;
  /** Members in gossip; stretches the interval. */
  clusterSize(): number;
  /** After each connection to a server; returns the function that ends the subscription. */
  onConnected(listener: () => void): () => void;
  report(report: SyncReport): void;
}

export interface SyncStatus {
  /** Unix milliseconds of the last comparison that came through; null before the first. */
  readonly comparedAtMs: number | null;
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly lastFailure: string;
}

export class AntiEntropy {
  readonly #ports: AntiEntropyPorts;
  #unsubscribe: Array<() => void> = [];
  #compareTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #compareDue = false;
  /** Comparisons in a row that found a difference. */
  #different = 0;
  #working: Promise<void> | undefined;
  #failures = 0;
  #lastFailure = '';
  #comparedAtMs: number | null = null;
  #stopped = false;

  constructor(ports: AntiEntropyPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { journal } = this.#ports;
    this.#unsubscribe = [
      journal.onAppend(() => this.#kick()),
      this.#ports.onConnected(() => this.#onConnected()),
    ];
    this.#compareIn(this.#intervalMs());
    this.#kick();
  }

  /** Waits for the request under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#compareTimer?.cancel();
    this.#retryTimer?.cancel();
    await this.#working;
  }

  /** Compares as soon as the journal is empty. */
  compareSoon(): void {
    this.#compareDue = true;
    this.#kick();
  }

  status(): SyncStatus {
    return {
      comparedAtMs: this.#comparedAtMs,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
    };
  }

  #onConnected(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    this.#compareIn(this.#ports.random.unit() * reconnectSpreadMs);
    this.#kick();
  }

  #intervalMs(): number {
    const { random, clusterSize } = this.#ports;
    return compareIntervalMs * scaleOf(clusterSize()) * (1 + random.unit());
  }

  #compareIn(delayMs: number): void {
    this.#compareTimer?.cancel();
    this.#compareTimer = this.#ports.clock.after(delayMs, () => {
      this.#compareIn(this.#intervalMs());
      this.compareSoon();
    });
  }

  #kick(): void {
    if (this.#stopped || this.#working !== undefined || this.#retryTimer !== undefined) return;
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      // Something may have been appended between the last look and now.
      if (this.#hasWork()) this.#kick();
    });
  }

  /**
   * A comparison says what the newest record says. While that one is not durable, it would give away a number that a crash
   * may let the journal give again.
   */
  #hasWork(): boolean {
    const { journal } = this.#ports;
    return journal.pending(1).length > 0 || (this.#compareDue && journal.length === 0);
  }

  async #work(): Promise<void> {
    try {
      while (!this.#stopped && this.#hasWork()) {
        const records = this.#ports.journal.pending(batchRecordsMax);
        if (records.length > 0) await this.#deliver(records);
        else await this.#lookForDifferences();
        this.#onSuccess();
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#onFailure(error);
    }
  }

  async #deliver(records: readonly JournalRecord[]): Promise<void> {
    const { rpc, journal, identity, report } = this.#ports;
    const { revision } = await rpc.call('journal.deliver', {
      identity: identity(),
      journalId: journal.id,
      records,
    });
    const before = revisionBefore(records[0]!);
    if (revision > before) {
      // More than was sent, even more than was ever written: the journal knows what that means.
      journal.confirm(revision);
      return;
    }
    if (revision < before) {
      // These follow on records that the catalog has lost: it takes them only when it has been set to where they begin.
      report({ kind: 'forgotten', confirmed: before, held: revision });
      if ((await this.#compare(before)) >= before) return;
    }
    throw new ExpectedError('OUTCOME_UNKNOWN', `the catalog stays at record ${revision} of our journal`);
  }

  async #lookForDifferences(): Promise<void> {
    const { rpc, journal, state, identity, clock } = this.#ports;
    const { id: journalId, lastRevision: revision } = journal;
    this.#compareDue = false;
    try {
      const own = identity();
      const digest = digestOfRows(own, state.ownServices(), state.ownChecks());
      const { same } = await rpc.call('journal.digest', { identity: own, journalId, revision, digest });
      if (same) {
        this.#comparedAtMs = clock.wallMs();
        this.#different = 0;
      }
      // What was recorded meanwhile goes first: the rows are ahead of this revision.
      else if (journal.lastRevision !== revision) this.#compareDue = true;
      else {
        await this.#compare(revision);
        this.#verifyLater();
      }
    } catch (error) {
      this.#compareDue = true;
      throw error;
    }
  }

  /** What a new leader had under way from gossip's news may come behind our rows and set them back. */
  #verifyLater(): void {
    const delayMs = verifyMs * 2 ** this.#different;
    this.#different += 1;
    if (!this.#stopped && delayMs < compareIntervalMs) this.#compareIn(delayMs);
  }

  /** Answers the revision that the catalog holds now. */
  async #compare(revision: number): Promise<number> {
    const { rpc, journal, state, identity, report, clock } = this.#ports;
    const { repairs, revision: held } = await rpc.call('journal.compare', {
      identity: identity(),
      journalId: journal.id,
      revision,
      services: state.ownServices(),
      checks: state.ownChecks(),
    });
    this.#comparedAtMs = clock.wallMs();
    if (repairs > 0) report({ kind: 'repaired', repairs });
    return held;
  }

  #onSuccess(): void {
    if (this.#failures > 0) this.#ports.report({ kind: 'recovered' });
    this.#failures = 0;
    this.#lastFailure = '';
  }

  #onFailure(error: ExpectedError): void {
    if (this.#stopped) return;
    const { clock, random, report } = this.#ports;
    const retryMs = Math.min(retryMsMax, retryMsMin * 2 ** this.#failures) * (0.5 + random.unit() / 2);
    this.#failures += 1;
    this.#lastFailure = error.message;
    report({ kind: 'failed', error, retryMs });
    this.#retryTimer = clock.after(retryMs, () => {
      this.#retryTimer = undefined;
      this.#kick();
    });
  }
}

/** 1 up to 128 members, and one more for each doubling. */
export function scaleOf(members: number): number {
  return members <= membersPerScale ? 1 : 1 + Math.ceil(Math.log2(members / membersPerScale));
}
