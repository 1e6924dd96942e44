/**
 * Services and checks of this host, put together: definitions from files and from clients, the runner that executes
 * the checks, the rows that the servers should hold, and maintenance. The HTTP API and the configuration speak to this.
 */
import type { CheckRunner } from '../checks/runner.ts';
import type { StatusChange } from '../checks/view.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import {
  nodeMaintenance,
  type OwnCheck,
  type OwnService,
  serviceMaintenancePrefix,
} from '../proto/schema/catalog.ts';
import type { CheckDefinition, ServiceDefinition } from '../proto/schema/definitions.ts';
import { judgeAlias } from './aliases.ts';
import type { FeedOutcome, LocalCheck } from './http/context.ts';
import type { LocalState } from './local-state.ts';
import type { ApiRegistrations, Registrations, Source, StoredValue } from './registrations.ts';

/** Reason of each maintenance under way; '' as key is the node. */
export type MaintenanceReasons = Readonly<Record<string, string>>;

const nodeReason =
  'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.';
const serviceReason =
  'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.';

export interface LocalAgentPorts {
  readonly node: string;
  readonly clock: Clock;
  readonly state: LocalState;
  readonly registrations: Registrations;
  readonly maintenance: StoredValue<MaintenanceReasons>;
  /** Made with `onChange` of this object. */
  runner(onChange: (change: StatusChange) => void): CheckRunner;
}

export class LocalAgent {
  readonly #ports: LocalAgentPorts;
  readonly #runner: CheckRunner;
  /** Services that are removed when their critical check does not recover, by check id. */
  readonly #removals = new Map<string, Timer>();

  constructor(ports: LocalAgentPorts) {
    this.#ports = ports;
    this.#runner = ports.runner((change) => this.#receiveChange(change));
  }

  /** Takes up what clients registered before the restart, then what stands in the files. */
  start(files: ApiRegistrations): void {
    const { registrations, maintenance, state } = this.#ports;
    for (const service of registrations.services()) state.putService(rowOf(service));
    for (const check of registrations.checks()) this.#run(check);
    this.applyFiles(files);
    this.#forgetUnregistered();
    for (const [serviceId, reason] of Object.entries(maintenance.read() ?? {})) {
      this.setMaintenance(serviceId === '' ? null : serviceId, true, reason);
    }
  }

  /** What stands in the files now; what stood there before and does so no longer goes. */
  applyFiles(files: ApiRegistrations): void {
    const missing = this.#ports.registrations.missingFrom(files);
    for (const id of missing.services) this.deregisterService(id);
    for (const id of missing.checks) this.deregisterCheck(id);
    for (const service of files.services) this.#putService(service, 'file');
    for (const check of files.checks) this.#putCheck(check, 'file');
  }

  async stop(): Promise<void> {
    for (const timer of this.#removals.values()) timer.cancel();
    await this.#runner.stop();
  }

  get runner(): CheckRunner {
    return this.#runner;
  }

  checks(): readonly LocalCheck[] {
    return this.#ports.state.ownChecks().map((row) => this.#shown(row));
  }

  services(): readonly OwnService[] {
    return this.#ports.state.ownServices();
  }

  registerCheck(definition: CheckDefinition): void {
    this.#putCheck(definition, 'api');
  }

  deregisterCheck(id: string): boolean {
    this.#end(id);
    return this.#ports.registrations.removeCheck(id);
  }

  feed(id: string, status: 'passing' | 'warning' | 'critical', output: string): FeedOutcome {
    const definition = this.#ports.registrations.check(id);
    if (definition === undefined) return 'unknown';
    if (definition.spec.kind !== 'ttl') return 'not fed by clients';
    this.#runner.feed(id, status, output, 'ttl');
    return 'fed';
  }

  registerService(definition: ServiceDefinition, options: { replaceChecks: boolean }): void {
    if (options.replaceChecks) {
      const kept = new Set(definition.checks.map(({ id }) => id));
      for (const { id } of this.#ports.registrations.checksOf(definition.id)) {
        if (!kept.has(id)) this.deregisterCheck(id);
      }
    }
    this.#putService(definition, 'api');
  }

  deregisterService(id: string): boolean {
    const { registrations, state } = this.#ports;
    for (const check of registrations.checksOf(id)) this.#halt(check.id);
    state.removeService(id);
    this.#saveMaintenance();
    return registrations.removeService(id);
  }

  setMaintenance(serviceId: string | null, enable: boolean, reason: string): void {
    const { state } = this.#ports;
    const id = serviceId === null ? nodeMaintenance : serviceMaintenancePrefix + serviceId;
    if (serviceId !== null && state.service(serviceId) === undefined) return;
    if (enable) {
      state.putCheck({
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
      state.removeCheck(id);
    }
    this.#saveMaintenance();
  }

  #putService(definition: ServiceDefinition, source: Source): void {
    this.#ports.registrations.putService(definition, source);
    this.#ports.state.putService(rowOf(definition));
    for (const check of definition.checks) this.#run(check);
  }

  #putCheck(definition: CheckDefinition, source: Source): void {
    this.#ports.registrations.putCheck(definition, source);
    this.#run(definition);
  }

  /** The row first: its status may change as soon as the check runs. */
  #run(definition: CheckDefinition): void {
    const { state } = this.#ports;
    state.putCheck({
      id: definition.id,
      name: definition.name,
      notes: definition.notes,
      status: definition.initialStatus ?? 'pending',
      output: '',
      serviceId: definition.serviceId,
      type: definition.spec.kind,
      definition: {},
    });
    this.#runner.put(definition);
    this.#watchRemoval(definition, this.#runner.view(definition.id)?.status === 'critical');
    this.#feedAliases();
  }

  #halt(id: string): void {
    this.#runner.remove(id);
    this.#removals.get(id)?.cancel();
    this.#removals.delete(id);
  }

  #end(id: string): void {
    this.#halt(id);
    this.#ports.state.removeCheck(id);
    this.#feedAliases();
  }

  #receiveChange({ definition, to, output, cause }: StatusChange): void {
    this.#ports.state.changeStatus(definition.id, to, output, cause);
    this.#watchRemoval(definition, to === 'critical');
    this.#feedAliases();
  }

  #feedAliases(): void {
    const { registrations, state, node } = this.#ports;
    for (const { id, spec } of registrations.checks()) {
      if (spec.kind !== 'alias' || (spec.node !== '' && spec.node !== node)) continue;
      const verdict = judgeAlias(id, spec, state.ownChecks());
      const now = this.#runner.view(id);
      if (verdict === null || now === undefined) continue;
      if (now.result === verdict.status && now.output === verdict.output) continue;
      this.#runner.feed(id, verdict.status, verdict.output, 'check');
    }
  }

  #watchRemoval(definition: CheckDefinition, critical: boolean): void {
    const { id, serviceId, deregisterServiceAfterMs } = definition;
    if (!critical || serviceId === '' || deregisterServiceAfterMs === null) {
      this.#removals.get(id)?.cancel();
      this.#removals.delete(id);
      return;
    }
    if (this.#removals.has(id)) return;
    const remove = () => void this.deregisterService(serviceId);
    this.#removals.set(id, this.#ports.clock.after(deregisterServiceAfterMs, remove));
  }

  /** Rows from before the restart whose definition is gone. */
  #forgetUnregistered(): void {
    const { registrations, state } = this.#ports;
    for (const { id } of state.ownServices()) {
      if (registrations.service(id) === undefined) state.removeService(id);
    }
    for (const { id, type } of state.ownChecks()) {
      if (type !== 'maintenance' && registrations.check(id) === undefined) state.removeCheck(id);
    }
  }

  #saveMaintenance(): void {
    const rows = this.#ports.state.ownChecks().filter(({ type }) => type === 'maintenance');
    this.#ports.maintenance.write(Object.fromEntries(rows.map(({ serviceId, notes }) => [serviceId, notes])));
  }

  #shown(row: OwnCheck): LocalCheck {
    const view = this.#runner.view(row.id);
    const service = this.#ports.state.service(row.serviceId);
    return {
      ...row,
      output: view?.output ?? row.output,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
      changedAtMs: view?.changedWallMs ?? 0,
      intervalMs: view?.definition.intervalMs ?? 0,
      timeoutMs: view?.definition.timeoutMs ?? 0,
    };
  }
}

function rowOf({ checks: _checks, token: _token, ...row }: ServiceDefinition): OwnService {
  return row;
}
