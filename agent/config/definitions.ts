/**
 * Definitions of checks and services in the merged tree → checked objects. What a definition may say is decided in
 * `proto/schema/definitions.ts`; here its problems get a file and a line, and the definitions are compared with
 * one another and with the switches for scripts.
 */

import { runsPrograms } from '../../proto/schema/definitions/runs-programs.ts';
import {
  type CheckDefinition,
  type DefinitionProblem,
  type ParsedDefinition,
  parseCheckDefinition,
  parseServiceDefinition,
  type ServiceDefinition,
} from '../../proto/schema/definitions.ts';
import {
  formatPlace,
  type Located,
  type LocatedMap,
  map,
  type Path,
  pathInFile,
  placeOfKey,
  placeOfValue,
  toPlain,
  valueAt,
} from './located.ts';
import type { Problems } from './problems.ts';

export interface Definitions {
  readonly checks: readonly CheckDefinition[];
  readonly services: readonly ServiceDefinition[];
}

interface Placed<Definition> {
  readonly definition: Definition;
  readonly tree: Located;
  readonly path: Path;
}

export interface DefinitionOptions {
  /** False when only some files are looked at: switches and services may stand elsewhere. */
  readonly complete: boolean;
}

export function readDefinitions(
  tree: LocatedMap,
  options: DefinitionOptions,
  problems: Problems,
): Definitions {
  const read = readList(tree, 'services', parseServiceDefinition, problems);
  const services = onePerId(read, 'service', problems);
  const alone = readList(tree, 'checks', parseCheckDefinition, problems);
  const checks = onePerId([...alone, ...services.flatMap(checksOf)], 'check', problems);
  const kept = new Set(checks.map((placed) => placed.definition));
  if (options.complete) refuseLostChecks(alone, services, problems);
  judgeScripts(tree, checks, options, problems);
  return {
    checks: alone.map(({ definition }) => definition).filter((check) => kept.has(check)),
    services: services.map(({ definition }) => ({
      ...definition,
      checks: definition.checks.filter((check) => kept.has(check)),
    })),
  };
}

function readList<Definition>(
  tree: LocatedMap,
  key: string,
  parse: (
    value: unknown,
    options: { numericDurations: 'nanoseconds' | 'refused' },
  ) => ParsedDefinition<Definition>,
  problems: Problems,
): Placed<Definition>[] {
  const list = valueAt(tree, [key]);
  if (list?.kind !== 'list') return [];
  return list.items.flatMap((item, index) => {
    const path = pathInFile(item, [key, index]);
    // A number is nanoseconds where Consul wrote the file, and a slip where a person did.
    const numericDurations = item.at.file.endsWith('.json') ? 'nanoseconds' : 'refused';
    const parsed = parse(toPlain(key === 'checks' ? named(item) : item), { numericDurations });
    if (parsed.ok) {
      for (const warning of parsed.warnings) report('warning', item, path, warning, problems);
      return [{ definition: parsed.definition, tree: item, path }];
    }
    for (const error of parsed.errors) report('error', item, path, error, problems);
    return [];
  });
}

/** In files the id of a check stands in for its name, as in Consul. */
function named(check: Located): Located {
  if (check.kind !== 'map') return check;
  const find = (wanted: readonly string[]) =>
    [...check.entries].find(([key]) => wanted.includes(key.toLowerCase().replaceAll('_', '')))?.[1];
  const id = find(['id', 'checkid']);
  if (id === undefined || find(['name']) !== undefined) return check;
  return map([...check.entries, ['name', id]], check.at);
}

function report(
  level: 'error' | 'warning',
  item: Located,
  path: Path,
  found: DefinitionProblem,
  problems: Problems,
): void {
  // An unknown key is shown where the key stands, a wrong value where the value does.
  const unknown = found.message === 'is not a known key';
  const at = unknown ? placeOfKey(item, found.path) : placeOfValue(item, found.path);
  const key = at.path?.[0] === 'defaults' ? at.path : [...path, ...found.path];
  problems[level](at, key, found.message, found.suggestion);
}

function checksOf(service: Placed<ServiceDefinition>): Placed<CheckDefinition>[] {
  const { definition, tree, path } = service;
  const single = valueAt(tree, ['check']) ? 1 : 0;
  return definition.checks.map((check, index) => {
    const inner = index < single ? ['check'] : ['checks', index - single];
    return { definition: check, tree: valueAt(tree, inner) ?? tree, path: [...path, ...inner] };
  });
}

/** As with keys: twice in one file is a slip, a later file wins over an earlier one, and that is said. */
function onePerId<Definition extends { readonly id: string }>(
  all: readonly Placed<Definition>[],
  what: string,
  problems: Problems,
): Placed<Definition>[] {
  const byId = new Map<string, Placed<Definition>>();
  for (const placed of all) {
    const { definition, tree, path } = placed;
    const first = byId.get(definition.id);
    byId.set(definition.id, placed);
    if (first === undefined) continue;
    const where = formatPlace(first.tree.at);
    if (first.tree.at.file === tree.at.file) {
      problems.error(
        tree.at,
        path,
        `the ${what} id "${definition.id}" is taken at ${where}; give it another id`,
      );
    } else {
      problems.warning(tree.at, path, `replaces the ${what} with the id "${definition.id}" at ${where}`);
    }
  }
  return [...byId.values()];
}

function refuseLostChecks(
  checks: ReadonlyArray<Placed<CheckDefinition>>,
  services: ReadonlyArray<Placed<ServiceDefinition>>,
  problems: Problems,
): void {
  const ids = new Set(services.map((service) => service.definition.id));
  for (const { definition, tree, path } of checks) {
    const { serviceId } = definition;
    if (serviceId === '' || ids.has(serviceId)) continue;
    problems.error(
      tree.at,
      path,
      `belongs to the service "${serviceId}", which this configuration does not define`,
    );
  }
}

function judgeScripts(
  tree: LocatedMap,
  checks: ReadonlyArray<Placed<CheckDefinition>>,
  options: DefinitionOptions,
  problems: Problems,
): void {
  const allowed = ['enable_script_checks', 'enable_local_script_checks'].some((key) => {
    const found = valueAt(tree, [key]);
    return found?.kind === 'scalar' && found.value === true;
  });
  if (allowed) return;
  for (const { definition, tree, path } of checks) {
    if (!runsPrograms(definition.spec.kind)) continue;
    const message = 'runs a program, which is off: set enable_local_script_checks: true';
    if (options.complete) problems.error(tree.at, path, message);
    else problems.warning(tree.at, path, `${message} where it is used`);
  }
}
