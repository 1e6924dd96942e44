/** Which events a listener wants: lists of names and a free expression, all of which must hold. */
import { ExpectedError } from './errors.ts';
import type { Fields } from './filter.ts';
import { compileFilter } from './filter.ts';
import type { EventFilter } from './rpc.ts';
import type { HealthEvent } from './schema/event.ts';
import { eventKinds } from './schema/words.ts';

/** What may be asked of an event in an expression. */
export const eventFields: Fields = {
  Offset: 'number',
  Time: 'string',
  ObservedAt: 'string',
  Kind: 'string',
  Node: 'string',
  Service: 'string',
  Check: 'string',
  From: 'string',
  To: 'string',
  Output: 'string',
  Cause: 'string',
  Ref: 'number',
  Life: 'number',
  Revision: 'number',
};

export const everyEvent: EventFilter = {
  kinds: [],
  nodes: [],
  services: [],
  checks: [],
  statuses: [],
  tags: [],
  expression: '',
};

/** Name and tags of a service as the catalog has them now; an event itself knows the id only. */
export type ServiceLookup = (
  node: string,
  id: string,
) => { readonly name: string; readonly tags: readonly string[] } | undefined;

/**
 * `kinds` may end in `.*` (`node.*`); `services` are ids or names; a tag is one that the service has now, compared
 * without regard to case. Throws BAD_REQUEST for an unknown kind or an expression that cannot be read.
 */
export function compileEventFilter(
  filter: EventFilter,
  serviceOf: ServiceLookup,
): (event: HealthEvent) => boolean {
  const tests: Array<(event: HealthEvent) => boolean> = [];
  if (filter.kinds.length > 0) {
    const kinds = new Set<string>(filter.kinds.flatMap(kindsOf));
    tests.push((event) => kinds.has(event.Kind));
  }
  addNames(tests, filter.nodes, (event) => event.Node);
  addNames(tests, filter.checks, (event) => event.Check);
  addNames(tests, filter.statuses, (event) => event.To);
  if (filter.services.length > 0) {
    const services = new Set(filter.services);
    const isNamed = (event: HealthEvent) => services.has(serviceOf(event.Node, event.Service)?.name ?? '');
    tests.push((event) => event.Service !== '' && (services.has(event.Service) || isNamed(event)));
  }
  if (filter.tags.length > 0) {
    const wanted = filter.tags.map((tag) => tag.toLowerCase());
    tests.push((event) => {
      const tags = serviceOf(event.Node, event.Service)?.tags.map((tag) => tag.toLowerCase()) ?? [];
      return wanted.every((tag) => tags.includes(tag));
    });
  }
  if (filter.expression !== '') tests.push(compileFilter(filter.expression, eventFields));
  return (event) => tests.every((test) => test(event));
}

function addNames(
  tests: Array<(event: HealthEvent) => boolean>,
  names: readonly string[],
  nameOf: (event: HealthEvent) => string,
): void {
  if (names.length === 0) return;
  const wanted = new Set(names);
  tests.push((event) => wanted.has(nameOf(event)));
}

function kindsOf(pattern: string): string[] {
  const known = eventKinds.filter((kind) =>
    pattern.endsWith('.*') ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern,
  );
  if (known.length === 0) {
    throw new ExpectedError(
      'BAD_REQUEST',
      `"${pattern.slice(0, 100)}" is no kind of event; known are ${eventKinds.join(', ')}`,
    );
  }
  return known;
}
