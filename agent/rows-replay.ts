/**
 * Rows are written now and then, the journal at every change. After a crash the rows on disk are older than what the
 * servers were told, and an agent that compared them would take back what it had said. So the records that the journal
 * still holds are applied to them first.
 */
import type { SavedCheck } from '../checks/view.ts';
import type { OwnCheck, OwnService } from '../proto/schema/catalog.ts';
import type { JournalRecord } from '../proto/schema/journal.ts';
import type { CheckStatus } from '../proto/schema/status.ts';
import type { SavedRows } from './local-state.ts';

export class RowsReplay {
  readonly #journalId: string;
  readonly #revision: number;
  readonly #services: Map<string, OwnService>;
  readonly #checks: Map<string, OwnCheck>;

  constructor({ services, checks, journalId = '', revision = 0 }: SavedRows) {
    this.#journalId = journalId;
    this.#revision = revision;
    this.#services = new Map(services.map((service) => [service.id, service]));
    this.#checks = new Map(checks.map((check) => [check.id, check]));
  }

  /** Records in the order of the journal; those that the rows contain are passed over. */
  apply(journalId: string, record: JournalRecord): void {
    const known = journalId === this.#journalId && record.revision <= this.#revision;
    if (!known) this.#apply(record);
  }

  rows(): SavedRows {
    return { services: [...this.#services.values()], checks: [...this.#checks.values()] };
  }

  #apply(record: JournalRecord): void {
    switch (record.kind) {
      case 'check.status': {
        const check = this.#checks.get(record.check);
        if (check === undefined) return;
        this.#checks.set(check.id, { ...check, status: record.status, output: record.output });
        return;
      }
      case 'check.put':
        this.#checks.set(record.check.id, record.check);
        return;
      case 'check.remove':
        this.#checks.delete(record.check);
        return;
      case 'service.put':
        this.#services.set(record.service.id, record.service);
        return;
      case 'service.remove':
        this.#services.delete(record.service);
        for (const { id, serviceId } of this.#checks.values()) {
          if (serviceId === record.service) this.#checks.delete(id);
        }
        return;
      case 'lost':
      case 'notice':
        return;
    }
  }
}

/**
 * The states of checks as they go with the rows: one whose status is another one by now begins its counts anew, and one
 * that was never written begins where its row stands. Or its next result might change nothing and the row stay as it is.
 */
export function statesForRows(
  states: readonly SavedCheck[],
  rows: SavedRows,
  wallMs: number,
): readonly SavedCheck[] {
  const known = new Map(states.map((state) => [state.id, state]));
  return rows.checks.map((row) => {
    const state = known.get(row.id) ?? { ...unwritten, id: row.id, changedWallMs: wallMs };
    if (row.status === state.status) return state;
    const { output } = row;
    const status = row.status as CheckStatus;
    return { ...state, status, output, changeOutput: output, result: null, successes: 0, failures: 0 };
  });
}

const unwritten: Omit<SavedCheck, 'id' | 'changedWallMs'> = {
  fingerprint: '',
  status: 'pending',
  result: null,
  successes: 0,
  failures: 0,
  output: '',
  changeOutput: '',
  resultWallMs: null,
};
