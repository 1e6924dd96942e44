/** What an agent keeps of itself: its journal, its rows, its definitions and the states of its checks, opened together. */
import type { Kinds } from '../checks/kinds/kind.ts';
import { CheckRunner } from '../checks/runner.ts';
import type { SavedCheck } from '../checks/view.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Disk, Random, Timer } from '../proto/ports.ts';
import type { JournalDraft } from '../proto/schema/journal.ts';
import type { DataFolder } from '../proto/store/layout.ts';
import type { AgentConfig } from './config/agent-config.ts';
import { Journal } from './journal.ts';
import { LocalAgent, type LocalSettings } from './local-agent.ts';
import { LocalState, type SavedRows } from './local-state.ts';
import { LocalStore } from './local-store.ts';
import type { MaintenanceReasons } from './maintenance.ts';
import { type ApiRegistrations, Registrations, type StoredValue } from './registrations.ts';
import { RowsReplay, statesForRows } from './rows-replay.ts';
import { Templates } from './templates.ts';

/** States of checks are written this often: a crash loses that much of their counters; changes are in the journal. */
const saveMs = 15_000;

export interface LocalPartsPorts {
  readonly config: AgentConfig;
  readonly disk: Disk;
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly kinds: Kinds;
}

interface Opened {
  readonly store: LocalStore;
  readonly rows: StoredValue<SavedRows>;
  readonly journal: Journal;
  /** The rows as they were before the restart. */
  readonly found: SavedRows;
  readonly registrations: Registrations;
  readonly templates: Templates;
}

export class LocalParts {
  readonly store: LocalStore;
  readonly journal: Journal;
  readonly state: LocalState;
  readonly local: LocalAgent;
  readonly #clock: Clock;
  readonly #rows: StoredValue<SavedRows>;
  readonly #states: StoredValue<readonly SavedCheck[]>;
  #timer: Timer | null = null;

  private constructor(
    ports: LocalPartsPorts,
    { store, rows, journal, found, registrations, templates }: Opened,
  ) {
    const { config, clock, kinds, logger } = ports;
    this.store = store;
    this.journal = journal;
    this.#clock = clock;
    this.#rows = rows;
    this.#states = store.value<readonly SavedCheck[]>('checks');
    this.state = new LocalState(
      { wallMs: () => clock.wallMs(), record: (draft) => this.record(draft) },
      found,
    );
    this.local = new LocalAgent({
      node: config.nodeName,
      clock,
      state: this.state,
      registrations,
      templates,
      maintenance: store.value<MaintenanceReasons>('maintenance'),
      onDropped: (id, reason) =>
        logger.warn(`the check ${id}, which a client registered, is gone: ${reason}`),
      runner: (onChange) => {
        const runner = new CheckRunner({
          node: config.nodeName,
          clock,
          kinds,
          onChange,
          outputBytesMax: config.checkOutputBytesMax,
          discardOutput: config.discardCheckOutput,
        });
        runner.restore(statesForRows(this.#states.read() ?? [], found, clock.wallMs()));
        return runner;
      },
    });
  }

  static async open(ports: LocalPartsPorts): Promise<LocalParts> {
    const { config, disk, folder, clock, random, logger } = ports;
    const onFault = (error: Error) => logger.error(`this agent cannot keep its state: ${error.message}`);
    const store = await LocalStore.open({ disk, clock }, folder.part('local'), { onError: onFault });
    for (const { file, reason } of store.damage) {
      logger.error(`${file} was unreadable (${reason}) and is set aside; this agent goes on without it`);
    }
    const rows = store.value<SavedRows>('rows');
    const replay = new RowsReplay(rows.read() ?? { services: [], checks: [] });
    const journal = await Journal.open({ disk, clock, random }, folder.part('journal'), {
      onFound: (journalId, record) => replay.apply(journalId, record),
      recordsMax: config.journalRecordsMax,
      bytesMax: config.journalBytesMax,
    });
    journal.onFault = onFault;
    if (journal.damage !== null) {
      logger.error(
        `the journal was damaged; what it held is lost, and the servers are told: ${journal.damage.reason}`,
      );
    }
    // They may hold tokens of clients.
    const registrations = new Registrations(store.value<ApiRegistrations>('registrations', { mode: 0o600 }));
    const templates = new Templates();
    if (registrations.ofClients().some(({ template }) => template !== null)) await templates.load();
    return new LocalParts(ports, { store, rows, journal, found: replay.rows(), registrations, templates });
  }

  record(draft: JournalDraft): void {
    this.journal.append(draft);
  }

  start(settings: LocalSettings): void {
    this.local.start(settings);
    this.#saveSoon();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.local.stop();
    this.#save();
    await this.journal.close();
    await this.store.close();
  }

  #saveSoon(): void {
    this.#timer = this.#clock.after(saveMs, () => {
      this.#save();
      this.#saveSoon();
    });
  }

  #save(): void {
    this.#rows.write({
      services: this.state.ownServices(),
      checks: this.state.ownChecks(),
      journalId: this.journal.id,
      revision: this.journal.lastRevision,
    });
    this.#states.write(this.local.runner.snapshot());
  }
}
