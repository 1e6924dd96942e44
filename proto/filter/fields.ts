/** What a filter may ask of a row: its fields by name, as a tree. */

/** A value, or a list of texts, or a map of texts, or further fields, or a list of rows with further fields. */
export type Field =
  | 'string'
  | 'number'
  | 'bool'
  | 'strings'
  | 'texts'
  | { readonly fields: Fields }
  | { readonly listOf: Fields }
  | { readonly mapOf: Fields };

export type Fields = Readonly<Record<string, Field>>;

export type Operator =
  | '=='
  | '!='
  | 'in'
  | 'not in'
  | 'matches'
  | 'not matches'
  | 'is empty'
  | 'is not empty';

/** A field that a selector means: its kind, and the way to it. */
export interface FoundField {
  readonly kind: 'string' | 'number' | 'bool' | 'strings' | 'map' | 'list';
  readonly path: readonly string[];
}

/** `unknown` holds the names that would have been possible, for the message. */
export function findField(fields: Fields, path: readonly string[]): FoundField | { unknown: string } {
  let level = fields;
  for (const [i, name] of path.entries()) {
    const field = Object.hasOwn(level, name) ? level[name]! : undefined;
    const rest = path.length - i - 1;
    if (field === undefined) return { unknown: `; known are ${Object.keys(level).join(', ')}` };
    if (typeof field === 'string') return scalarField(field, path, rest);
    if ('mapOf' in field) {
      if (rest === 0) return { kind: 'map', path };
      const [, , ...below] = path.slice(i);
      const inner = findField(field.mapOf, below);
      return 'unknown' in inner ? inner : { kind: inner.kind, path };
    }
    if (rest === 0) {
      if ('listOf' in field) return { kind: 'list', path };
      return { unknown: `; it has the fields ${Object.keys(field.fields).join(', ')}` };
    }
    level = 'listOf' in field ? field.listOf : field.fields;
  }
  return { unknown: '' };
}

function scalarField(
  field: Extract<Field, string>,
  path: readonly string[],
  rest: number,
): FoundField | { unknown: string } {
  if (field === 'texts') {
    if (rest > 1) return { unknown: '; the values of a map are texts' };
    return { kind: rest === 0 ? 'map' : 'string', path };
  }
  return rest === 0 ? { kind: field, path } : { unknown: `; ${path[path.length - rest - 1]} has no fields` };
}

/**
 * The values that a path leads to in a row: as many as there are elements when it passes a list, and `undefined` where a
 * key is missing on the way.
 */
export function valuesAt(row: unknown, path: readonly string[], from = 0): unknown[] {
  let value = row;
  for (let i = from; i < path.length; i++) {
    if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path, i));
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, path[i]!)) return [undefined];
    value = (value as Record<string, unknown>)[path[i]!];
  }
  return [value];
}
