/**
 * How this host is: its services and checks as rows, exactly as the servers should hold them. Every difference
 * becomes a journal record, and only a difference does: a check that stays healthy, whatever it prints, records nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import { assert } from '../proto/assert.ts';
import type { OwnCheck, OwnService } from '../proto/schema/catalog.ts';
import type { JournalDraft } from '../proto/schema/journal.ts';
import type { CheckStatus } from '../proto/schema/status.ts';
import type { SyncState } from './anti-entropy.ts';

export interface LocalStatePorts {
  /** Unix milliseconds. */
  wallMs(): number;
  /** Takes a record into the journal. */
  record(draft: JournalDraft): void;
}

/** The rows as they were last recorded, kept over a restart so that only what differs is recorded again. */
export interface SavedRows {
  readonly services: readonly OwnService[];
  readonly checks: readonly OwnCheck[];
  /** The newest record that they contain; default: none. */
  readonly journalId?: string;
  readonly revision?: number;
}

export type StatusCause = 'check' | 'ttl' | 'stale' | 'operator';

/** A change of status, for whoever tells it on. */
export interface StatusMove {
  readonly check: OwnCheck;
  readonly from: OwnCheck['status'];
  readonly to: CheckStatus;
  readonly output: string;
  readonly cause: StatusCause;
  /** Unix milliseconds. */
  readonly observedAtMs: number;
}

export class LocalState implements SyncState {
  readonly #ports: LocalStatePorts;
  readonly #services = new Map<string, OwnService>();
  readonly #checks = new Map<string, OwnCheck>();
  readonly #listeners = new Set<(move: StatusMove) => void>();

  constructor(ports: LocalStatePorts, saved: SavedRows = { services: [], checks: [] }) {
    this.#ports = ports;
    for (const service of saved.services) this.#services.set(service.id, service);
    for (const check of saved.checks) this.#checks.set(check.id, check);
  }

  ownServices(): readonly OwnService[] {
    return [...this.#services.values()];
  }

  ownChecks(): readonly OwnCheck[] {
    return [...this.#checks.values()];
  }

  service(id: string): OwnService | undefined {
    return this.#services.get(id);
  }

  check(id: string): OwnCheck | undefined {
    return this.#checks.get(id);
  }

  checksOf(serviceId: string): readonly OwnCheck[] {
    return this.ownChecks().filter((check) => check.serviceId === serviceId);
  }

  putService(service: OwnService): void {
    if (isDeepStrictEqual(this.#services.get(service.id), service)) return;
    this.#services.set(service.id, service);
    this.#record({ kind: 'service.put', service });
  }

  /** The service's checks go with it; the servers clear them away by the same record. */
  removeService(id: string): void {
    if (!this.#services.delete(id)) return;
    for (const check of this.checksOf(id)) this.#checks.delete(check.id);
    this.#record({ kind: 'service.remove', service: id });
  }

  /** Adds or replaces what a check is. The status of one that is known stays what it was. */
  putCheck(check: OwnCheck): void {
    const before = this.#checks.get(check.id);
    const row = before === undefined ? check : { ...check, status: before.status, output: before.output };
    if (isDeepStrictEqual(before, row)) return;
    this.#checks.set(row.id, row);
    this.#record({ kind: 'check.put', check: row });
  }

  removeCheck(id: string): void {
    if (!this.#checks.delete(id)) return;
    this.#record({ kind: 'check.remove', check: id });
  }

  changeStatus(id: string, status: CheckStatus, output: string, cause: StatusCause): void {
    const before = this.#checks.get(id);
    assert(before !== undefined, `the check ${id} is known before its status changes`);
    if (before.status === status) return;
    const check = { ...before, status, output };
    this.#checks.set(id, check);
    this.#record({ kind: 'check.status', check: id, status, output, cause });
    const observedAtMs = this.#ports.wallMs();
    const move = { check, from: before.status, to: status, output, cause, observedAtMs };
    for (const listener of this.#listeners) listener(move);
  }

  /** Returns the function that ends the subscription. */
  onStatusMove(listener: (move: StatusMove) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(draft: WithoutTime<JournalDraft>): void {
    this.#ports.record({ ...draft, observedAtMs: this.#ports.wallMs() });
  }
}

type WithoutTime<Draft> = Draft extends unknown ? Omit<Draft, 'observedAtMs'> : never;
