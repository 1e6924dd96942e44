/**
 * What is wrong with a definition: where, in words for people and in the words of Consul, whose HTTP clients
 * print and match them. The config reader turns the path into a line and a column.
 */

/** Keys and list positions from the top of a value. */
export type Path = ReadonlyArray<string | number>;

export interface DefinitionProblem {
  /** Where, with the keys spelt as they were given. */
  readonly path: Path;
  /** One sentence without the path. */
  readonly message: string;
  /** The key that was probably meant. */
  readonly suggestion?: string;
  /** The body of the 400 that Consul answers, or our own sentence where Consul knows no such error. */
  readonly consul: string;
}

export type ParsedDefinition<Definition> =
  | {
      readonly ok: true;
      readonly definition: Definition;
      /** What was accepted without having an effect. */
      readonly warnings: readonly DefinitionProblem[];
    }
  | { readonly ok: false; readonly errors: readonly DefinitionProblem[] };

/** The name of a value's type in Go's JSON errors. */
export function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The API answers `Invalid definition: KEY: MESSAGE`, unless Consul has words of its own. */
export function problem(
  path: Path,
  message: string,
  more: { consul?: string; suggestion?: string } = {},
): DefinitionProblem {
  const consul =
    more.consul ?? `Invalid definition: ${[path.join('.'), message].filter((part) => part !== '').join(' ')}`;
  return more.suggestion === undefined
    ? { path, message, consul }
    : { path, message, suggestion: more.suggestion, consul };
}
