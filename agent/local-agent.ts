/**
 * Services and checks of this host, put together: definitions from files and from clients, the runner that executes
 * the checks, the rows that the servers should hold, and maintenance. The HTTP API and the configuration speak to this.
 */
import type { CheckRunner } from '../checks/runner.ts';
import type { StatusChange } from '../checks/view.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { OwnCheck, OwnService } from '../proto/schema/catalog.ts';
import type { CheckDefinition, ServiceDefinition, SpecOf } from '../proto/schema/definitions.ts';
import { judgeAlias } from './aliases.ts';
import { type ClientCheckRules, judgeClientCheck, scriptRefusal } from './client-checks.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { TemplateRequest } from './config/template-check.ts';
import type { CheckRun, FeedOutcome, LocalCheck, MeasuredCheck } from './http/context.ts';
import type { LocalState } from './local-state.ts';
import { Maintenance, type MaintenanceReasons } from './maintenance.ts';
import type { Registrations, Source, StoredValue } from './registrations.ts';
import { compareItems, type ItemChange, type Registered } from './reload.ts';
import type { Templates } from './templates.ts';

/** What the configuration says of this host's services and checks. */
export type LocalSettings = Pick<AgentConfig, 'services' | 'checks'> & ClientCheckRules;

export interface LocalAgentPorts {
  readonly node: string;
  readonly clock: Clock;
  readonly state: LocalState;
  readonly registrations: Registrations;
  readonly maintenance: StoredValue<MaintenanceReasons>;
  /** Loaded already when a client has made a check from one. */
  readonly templates: Templates;
  /** A check of a client may not run any more and is gone. */
  onDropped(id: string, reason: string): void;
  /** Made with `onChange` of this object. */
  runner(onChange: (change: StatusChange) => void): CheckRunner;
}

export class LocalAgent {
  readonly #ports: LocalAgentPorts;
  readonly #runner: CheckRunner;
  /** Checks that follow others of this very host, by id. */
  readonly #aliases = new Map<string, SpecOf<'alias'>>();
  /** Services that are removed when their critical check does not recover, by check id. */
  readonly #removals = new Map<string, Timer>();
  readonly #maintenance: Maintenance;
  #settings: LocalSettings = {
    services: [],
    checks: [],
    templates: {},
    checkDefaults: {},
    enableScriptChecks: false,
    enableLocalScriptChecks: false,
  };

  constructor(ports: LocalAgentPorts) {
    this.#ports = ports;
    this.#maintenance = new Maintenance(ports.state, ports.maintenance);
    this.#runner = ports.runner((change) => this.#receiveChange(change));
  }

  /** Takes up what clients registered before the restart, then what stands in the files. */
  start(settings: LocalSettings): void {
    const { registrations, state } = this.#ports;
    for (const service of registrations.services()) state.putService(rowOf(service));
    this.apply(settings);
    this.#forgetUnregistered();
    this.#maintenance.restore();
  }

  /**
   * What the configuration says now; what stood in the files before and does so no longer goes. Answers what that changed,
   * also for what clients registered or removed.
   */
  apply(settings: LocalSettings): readonly ItemChange[] {
    const before = this.#registered();
    this.#settings = settings;
    this.#judgeClients();
    const missing = this.#ports.registrations.missingFrom(settings);
    for (const id of missing.services) this.deregisterService(id);
    for (const id of missing.checks) this.deregisterCheck(id);
    for (const service of settings.services) this.#putService(service, 'file');
    for (const check of settings.checks) this.#putCheck(check, 'file');
    return compareItems(before, this.#registered());
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

  measured(): readonly MeasuredCheck[] {
    return this.#runner.views().flatMap(({ definition, outcome }) => {
      const { metrics = [] } = outcome ?? {};
      return metrics.length === 0 ? [] : [{ check: definition.id, service: definition.serviceId, metrics }];
    });
  }

  services(): readonly OwnService[] {
    return this.#ports.state.ownServices();
  }

  registerCheck(definition: CheckDefinition, template: TemplateRequest | null = null): void {
    this.#putCheck(definition, 'api', template);
  }

  async fillTemplate(request: TemplateRequest): Promise<CheckDefinition> {
    const fill = await this.#ports.templates.load();
    const filled = fill(this.#settings, request);
    if (!filled.ok) throw new ExpectedError('BAD_REQUEST', filled.message);
    const refusal = scriptRefusal(this.#settings, filled.definition, 'template');
    if (refusal !== null) throw new ExpectedError('BAD_REQUEST', refusal, { status: 500 });
    return filled.definition;
  }

  deregisterCheck(id: string): boolean {
    this.#end(id);
    return this.#ports.registrations.removeCheck(id);
  }

  async runCheck(id: string): Promise<CheckRun | 'unknown' | 'not run'> {
    const before = this.#runner.view(id);
    if (before === undefined) return 'unknown';
    const outcome = await this.#runner.runNow(id);
    const after = this.#runner.view(id);
    if (outcome === null || after === undefined) return 'not run';
    return { outcome, durationMs: after.durationMs ?? 0, from: before.status, to: after.status };
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
    this.#maintenance.save();
    return registrations.removeService(id);
  }

  setMaintenance(serviceId: string | null, enable: boolean, reason: string): void {
    this.#maintenance.set(serviceId, enable, reason);
    this.#feedAliases();
  }

  async saved(): Promise<void> {
    await Promise.all([this.#ports.registrations.saved(), this.#maintenance.saved()]);
  }

  #putService(definition: ServiceDefinition, source: Source): void {
    this.#ports.registrations.putService(definition, source);
    this.#ports.state.putService(rowOf(definition));
    for (const check of definition.checks) this.#run(check);
  }

  #putCheck(definition: CheckDefinition, source: Source, template: TemplateRequest | null = null): void {
    this.#ports.registrations.putCheck(definition, source, template);
    this.#run(definition);
  }

  #registered(): Registered {
    const { registrations } = this.#ports;
    return { services: registrations.services(), checks: registrations.checks() };
  }

  #judgeClients(): void {
    const { registrations, onDropped, templates } = this.#ports;
    for (const { id, definition, template } of registrations.ofClients()) {
      const verdict = judgeClientCheck(this.#settings, definition, template, templates);
      if (verdict.kind === 'dropped') {
        onDropped(id, verdict.reason);
        this.deregisterCheck(id);
      } else this.#putCheck(verdict.definition, 'api', template);
    }
  }

  /** The row first: its status may change as soon as the check runs. */
  #run(definition: CheckDefinition): void {
    const { state, node } = this.#ports;
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
    const { spec } = definition;
    if (spec.kind === 'alias' && (spec.node === '' || spec.node === node))
      this.#aliases.set(definition.id, spec);
    else this.#aliases.delete(definition.id);
    this.#watchRemoval(definition, this.#runner.view(definition.id)?.status === 'critical');
    this.#feedAliases();
  }

  #halt(id: string): void {
    this.#runner.remove(id);
    this.#aliases.delete(id);
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
    for (const [id, spec] of this.#aliases) {
      const others = this.#ports.state.ownChecks().filter((check) => check.id !== id);
      const verdict = judgeAlias(spec, others, (other) => this.#aliases.has(other));
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

  #shown(row: OwnCheck): LocalCheck {
    const view = this.#runner.view(row.id);
    const service = this.#ports.state.service(row.serviceId);
    return {
      ...row,
      output: view?.output ?? row.output,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
      changedAtMs: view?.changedWallMs ?? 0,
      resultAtMs: view?.resultWallMs ?? 0,
      restored: view?.restored ?? false,
      intervalMs: view?.definition.intervalMs ?? 0,
      timeoutMs: view?.definition.timeoutMs ?? 0,
    };
  }
}

function rowOf({ checks: _checks, token: _token, ...row }: ServiceDefinition): OwnService {
  return row;
}
