/** What an agent answers when all of them are asked: `rollcall query rollcall:health`. */
import type { OwnCheck } from '../proto/schema/catalog.ts';
import { programVersion } from '../proto/version.ts';
import { ownEventPrefix } from './user-events.ts';

export const healthQuery = `${ownEventPrefix}health`;

/** JSON: who, which program, and how many checks have which status. */
export function answerHealth(node: string, checks: readonly Pick<OwnCheck, 'status'>[]): Uint8Array {
  const statuses = [...new Set(checks.map(({ status }) => status))].sort();
  const count = (wanted: string) => checks.filter(({ status }) => status === wanted).length;
  const counts = Object.fromEntries(statuses.map((status) => [status, count(status)]));
  return Buffer.from(JSON.stringify({ Node: node, Version: programVersion, Checks: counts }), 'utf8');
}
