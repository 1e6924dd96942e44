/**
 * `${env:NAME}` and `${file:/path}` in a file: secrets that stay out of it. They are filled in when the configuration
 * is read, and again with each reload; what came in this way is never shown, neither by `config explain` nor in the
 * output of a check.
 */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { messageOf } from '../../proto/errors.ts';
import { type Located, type LocatedMap, list, map, type Path, pathInFile, scalar } from './located.ts';
import type { Problems } from './problems.ts';

const marks = /\$\{(env|file):([^}]*)\}/g;
/** More is no secret but a mistake. */
const fileBytesMax = 65_536;

export interface ReferenceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False when only some files are looked at, perhaps on another host: then it is a warning. */
  readonly complete: boolean;
  /** The text will be filled in once more, as a template: a `${` that comes in must stay one. */
  readonly again?: boolean;
}

/** The tree with everything filled in below the top-level keys that `wanted` takes. */
export async function fillReferences(
  tree: LocatedMap,
  wanted: (key: string) => boolean,
  options: ReferenceOptions,
  problems: Problems,
): Promise<LocatedMap> {
  const entries = new Map(tree.entries);
  for (const [key, entry] of tree.entries) {
    if (!wanted(key)) continue;
    entries.set(key, { ...entry, value: await fill(entry.value, [key]) });
  }
  return map(entries, tree.at);

  async function fill(located: Located, path: Path): Promise<Located> {
    if (located.kind === 'scalar') {
      if (typeof located.value !== 'string' || !located.value.includes('${')) return located;
      return fillText(located.value, located, path);
    }
    if (located.kind === 'list') {
      const items: Located[] = [];
      for (const [index, item] of located.items.entries()) {
        items.push(await fill(item, pathInFile(item, [...path, index])));
      }
      return list(items, located.at);
    }
    const inner = new Map(located.entries);
    for (const [key, entry] of located.entries) {
      inner.set(key, { ...entry, value: await fill(entry.value, [...path, key]) });
    }
    return map(inner, located.at);
  }

  async function fillText(text: string, located: Located, path: Path): Promise<Located> {
    let filled = text;
    const secrets: string[] = [];
    for (const [mark, where, name] of text.matchAll(marks)) {
      const found = where === 'env' ? fromEnvironment(name!, options.env) : await fromFile(name!);
      if ('wrong' in found) {
        problems[options.complete ? 'error' : 'warning'](located.at, path, `${mark} ${found.wrong}`);
        continue;
      }
      const value = options.again === true ? found.value.replaceAll('${', () => '$${') : found.value;
      filled = filled.replace(mark, () => value);
      secrets.push(found.value);
    }
    return secrets.length === 0 ? located : { ...scalar(filled, located.at), secrets };
  }
}

type Found = { readonly value: string } | { readonly wrong: string };

function fromEnvironment(name: string, env: ReferenceOptions['env']): Found {
  const value = env[name];
  return value === undefined ? { wrong: 'is not set in the environment of the agent' } : { value };
}

/** The content without the newline that editors leave at its end. */
async function fromFile(path: string): Promise<Found> {
  if (!isAbsolute(path)) return { wrong: 'must name a file by its absolute path' };
  try {
    if ((await stat(path)).size > fileBytesMax)
      return { wrong: `names a file of more than ${fileBytesMax} bytes` };
    return { value: (await readFile(path, 'utf8')).replace(/\r?\n$/, '') };
  } catch (error) {
    return { wrong: `cannot be read: ${messageOf(error)}` };
  }
}

/** What must never be shown: everything that a reference stood for. */
export function secretsIn(located: Located): readonly string[] {
  if (located.kind === 'list') return located.items.flatMap(secretsIn);
  if (located.kind === 'map') return [...located.entries.values()].flatMap(({ value }) => secretsIn(value));
  return located.secrets ?? [];
}
