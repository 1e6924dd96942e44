/**
 * What an agent's rows come down to in 32 bytes, so that agent and catalog can compare them without sending them. Both
 * sides compute it from the same fields. The output of a check is left out: the catalog keeps that of the last change of
 * status, which the journal brings, and it is never a reason to repair a row.
 */
import { createHash } from 'node:crypto';
import type { OwnCheck, OwnService } from './schema/catalog.ts';
import type { AgentIdentity } from './schema/journal.ts';

type Comparable = Omit<OwnCheck, 'output'>;

/** Hex. Neither the order of the rows nor that of keys counts. */
export function digestOfRows(
  identity: AgentIdentity,
  services: readonly OwnService[],
  checks: readonly Comparable[],
): string {
  const hash = createHash('sha256');
  hash.update(canonical(identity));
  for (const service of byId(services)) hash.update(`\nservice ${canonical(service)}`);
  for (const check of byId(checks)) hash.update(`\ncheck ${canonical({ ...check, output: '' })}`);
  return hash.digest('hex');
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}

function canonical(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
