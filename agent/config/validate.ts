/** One layer's settings against the schema: every issue becomes a problem with a place, in words for people. */
import type { z } from 'zod';
import { suggest } from '../../proto/suggest.ts';
import { consulKeysOf, isConsulKey } from './consul-keys.ts';
import {
  formatPath,
  type LocatedMap,
  type Path,
  placeOfKey,
  placeOfValue,
  toPlain,
  without,
} from './located.ts';
import type { Problems } from './problems.ts';
import { fileSchema, keysAt } from './schema.ts';

/** Answers the settings that are right, so that later rules can be checked in the same pass. */
export function validateSettings(settings: LocatedMap, problems: Problems): LocatedMap {
  const result = fileSchema.safeParse(toPlain(settings));
  const wrong: Path[] = [];
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        reportUnknownKey([...path, key], settings, problems);
        wrong.push([...path, key]);
      }
    } else {
      problems.error(placeOfValue(settings, path), path, describe(issue));
      wrong.push(path);
    }
  }
  return without(settings, wrong);
}

function reportUnknownKey(path: Path, settings: LocatedMap, problems: Problems): void {
  const at = placeOfKey(settings, path);
  const block = path.slice(0, -1);
  const key = String(path.at(-1));
  const group = formatPath(block);
  if (isConsulKey(group, key)) {
    problems.warning(at, path, 'a key of Consul that has no effect here');
    return;
  }
  const known = [...(keysAt(block) ?? []), ...consulKeysOf(group)];
  problems.error(at, path, 'is not a known key', suggest(key, known) ?? '');
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** One sentence without the key, starting with what must be. */
export function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (!issue.message.startsWith('Invalid input')) return issue.message;
      return `must be ${typeNames[issue.expected] ?? issue.expected}${received(issue)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** What was found instead: zod says it only in its message. */
function received(issue: z.core.$ZodIssue): string {
  const found = /received (\w+)$/.exec(issue.message)?.[1];
  if (found === undefined) return '';
  if (found === 'number' || found === 'boolean') {
    const name = found === 'number' ? 'a number' : 'true or false';
    return `, not ${name}${issue.code === 'invalid_type' && issue.expected === 'string' ? ' (put it in quotes)' : ''}`;
  }
  return `, not ${typeNames[found] ?? found}`;
}
