/**
 * Which services and checks this agent was told of, and by whom: its operator's files or a client of the API. A file
 * wins over a client; what a client registered is kept over restarts, what stood in a file is read again.
 */
import type { CheckDefinition, ServiceDefinition } from '../proto/schema/definitions.ts';
import type { TemplateRequest } from './config/template-check.ts';

export type Source = 'file' | 'api';

/** A small file of the agent's own (`agent/local-store.ts`). */
export interface StoredValue<T> {
  read(): T | undefined;
  /** Durable soon; only the newest value counts. */
  write(value: T): void;
  /** Resolves when the newest value is durable, which then is not waited for, or could not be written. */
  saved(): Promise<void>;
}

export interface ApiRegistrations {
  readonly services: readonly ServiceDefinition[];
  readonly checks: readonly CheckDefinition[];
  /** Checks that clients made from templates: only what they asked for, since a template may hold secrets. */
  readonly fromTemplates?: readonly TemplateRequest[];
}

/** A check of a client; one from a template has no definition until the template is filled in again. */
export interface ClientCheck {
  readonly id: string;
  readonly definition: CheckDefinition | undefined;
  readonly template: TemplateRequest | null;
}

interface Registered<Definition> {
  readonly definition: Definition;
  readonly source: Source;
}

export class Registrations {
  readonly #stored: StoredValue<ApiRegistrations>;
  readonly #services = new Map<string, Registered<ServiceDefinition>>();
  /** Checks that stand alone and those of services, by id. */
  readonly #checks = new Map<string, Registered<CheckDefinition>>();
  /** What clients made from templates, by id of the check. */
  readonly #fromTemplates = new Map<string, TemplateRequest>();

  constructor(stored: StoredValue<ApiRegistrations>) {
    this.#stored = stored;
    const { services, checks, fromTemplates = [] } = stored.read() ?? { services: [], checks: [] };
    for (const definition of services) this.#services.set(definition.id, { definition, source: 'api' });
    for (const definition of checks) this.#checks.set(definition.id, { definition, source: 'api' });
    for (const request of fromTemplates) this.#fromTemplates.set(request.id, request);
  }

  service(id: string): ServiceDefinition | undefined {
    return this.#services.get(id)?.definition;
  }

  check(id: string): CheckDefinition | undefined {
    return this.#checks.get(id)?.definition;
  }

  services(): readonly ServiceDefinition[] {
    return [...this.#services.values()].map(({ definition }) => definition);
  }

  checks(): readonly CheckDefinition[] {
    return [...this.#checks.values()].map(({ definition }) => definition);
  }

  checksOf(serviceId: string): readonly CheckDefinition[] {
    return this.checks().filter((check) => check.serviceId === serviceId);
  }

  /** What clients registered, those of services too. */
  ofClients(): readonly ClientCheck[] {
    const ids = new Set([...this.#checks].filter(([, { source }]) => source === 'api').map(([id]) => id));
    for (const id of this.#fromTemplates.keys()) ids.add(id);
    return [...ids].map((id) => ({
      id,
      definition: this.check(id),
      template: this.#fromTemplates.get(id) ?? null,
    }));
  }

  putService(definition: ServiceDefinition, source: Source): void {
    this.#services.set(definition.id, { definition, source });
    for (const check of definition.checks) this.#setCheck(check, source, null);
    this.#save();
  }

  putCheck(definition: CheckDefinition, source: Source, template: TemplateRequest | null = null): void {
    this.#setCheck(definition, source, template);
    this.#save();
  }

  /** The service with all its checks, whoever registered them. */
  removeService(id: string): boolean {
    if (!this.#services.delete(id)) return false;
    for (const check of this.checksOf(id)) this.#deleteCheck(check.id);
    this.#save();
    return true;
  }

  removeCheck(id: string): boolean {
    const removed = this.#deleteCheck(id);
    if (removed) this.#save();
    return removed;
  }

  /** Ids that stood in files and do so no longer. */
  missingFrom(files: ApiRegistrations): { readonly services: string[]; readonly checks: string[] } {
    const services = new Set(files.services.map(({ id }) => id));
    const checks = new Set(
      [...files.checks, ...files.services.flatMap((service) => service.checks)].map(({ id }) => id),
    );
    return {
      services: [...this.#services]
        .filter(([id, { source }]) => source === 'file' && !services.has(id))
        .map(([id]) => id),
      checks: [...this.#checks]
        .filter(([id, { source }]) => source === 'file' && !checks.has(id))
        .map(([id]) => id),
    };
  }

  /** Resolves when a crash loses nothing of what clients registered. */
  saved(): Promise<void> {
    return this.#stored.saved();
  }

  #setCheck(definition: CheckDefinition, source: Source, template: TemplateRequest | null): void {
    this.#checks.set(definition.id, { definition, source });
    if (template === null) this.#fromTemplates.delete(definition.id);
    else this.#fromTemplates.set(definition.id, { ...template, id: definition.id });
  }

  #deleteCheck(id: string): boolean {
    const wasTemplate = this.#fromTemplates.delete(id);
    return this.#checks.delete(id) || wasTemplate;
  }

  #save(): void {
    const ofClients = <Definition>(all: Map<string, Registered<Definition>>): Definition[] =>
      [...all.values()].filter(({ source }) => source === 'api').map(({ definition }) => definition);
    this.#stored.write({
      services: ofClients(this.#services),
      checks: ofClients(this.#checks).filter(({ id }) => !this.#fromTemplates.has(id)),
      fromTemplates: [...this.#fromTemplates.values()],
    });
  }
}
