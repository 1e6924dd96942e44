/**
 * Maintenance of this node and of its services: a row for each that is under way, which clients of Consul see as a
 * critical check and the event log as a state of its own. It lasts until somebody ends it, over restarts too.
 */
import { nodeMaintenance, serviceMaintenancePrefix } from '../proto/schema/words.ts';
import type { LocalState } from './local-state.ts';
import type { StoredValue } from './registrations.ts';

/** Reason of each maintenance under way; '' as key is the node. */
export type MaintenanceReasons = Readonly<Record<string, string>>;

const nodeReason =
  'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.';
const serviceReason =
  'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.';

export class Maintenance {
  readonly #state: LocalState;
  readonly #stored: StoredValue<MaintenanceReasons>;

  constructor(state: LocalState, stored: StoredValue<MaintenanceReasons>) {
    this.#state = state;
    this.#stored = stored;
  }

  /** `serviceId` null: the whole node. A service that nobody knows is passed over. */
  set(serviceId: string | null, enable: boolean, reason: string): void {
    const id = serviceId === null ? nodeMaintenance : serviceMaintenancePrefix + serviceId;
    if (serviceId !== null && this.#state.service(serviceId) === undefined) return;
    if (enable) {
      this.#state.putCheck({
        id,
        name: serviceId === null ? 'Node Maintenance Mode' : 'Service Maintenance Mode',
        notes: reason || (serviceId === null ? nodeReason : serviceReason),
        status: 'critical',
        output: '',
        serviceId: serviceId ?? '',
        type: 'maintenance',
        definition: {},
      });
    } else {
      this.#state.removeCheck(id);
    }
    this.save();
  }

  /** What was under way before the restart; call it when all services are known. */
  restore(): void {
    for (const [serviceId, reason] of Object.entries(this.#stored.read() ?? {})) {
      this.set(serviceId === '' ? null : serviceId, true, reason);
    }
  }

  /** Resolves when a crash changes nothing of it. */
  saved(): Promise<void> {
    return this.#stored.saved();
  }

  /** A service that is removed takes its maintenance with it. */
  save(): void {
    const rows = this.#state.ownChecks().filter(({ type }) => type === 'maintenance');
    this.#stored.write(Object.fromEntries(rows.map(({ serviceId, notes }) => [serviceId, notes])));
  }
}
