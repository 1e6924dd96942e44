/** Which kinds of checks run a program of the definition's choice: off unless the operator allows them. */
import type { CheckKindName } from './kinds.ts';

const kinds: ReadonlySet<CheckKindName> = new Set(['docker', 'script'] satisfies CheckKindName[]);

export function runsPrograms(kind: CheckKindName): boolean {
  return kinds.has(kind);
}
