/** Which commands all servers of the cluster can apply; see `proto/version.ts`. */
import { ExpectedError } from '../../proto/errors.ts';
import type { CommandKind } from '../../proto/schema/command.ts';
import { commandLevel } from '../../proto/version.ts';
import type { Body, Change } from './change.ts';
import type { Effect } from './outcome.ts';

/** Kinds that came with a later level than the first. */
const levels: { readonly [K in CommandKind]?: number } = {
  'level.raise': 2,
  'server.bar': 2,
  'restore.begin': 2,
  'restore.piece': 2,
  'restore.finish': 2,
};

export function levelOf(kind: CommandKind): number {
  return levels[kind] ?? 1;
}

/** Throws PROTOCOL with advice where a newer server wrote what this one cannot apply. */
export function checkLevel(level: number, where: string): void {
  if (level <= commandLevel) return;
  throw new ExpectedError(
    'PROTOCOL',
    `${where} belongs to a cluster whose commands have level ${level}, and this server knows up to ${commandLevel}: a newer server wrote it. Update this server and start it again; nothing is lost.`,
  );
}

export function applyLevelRaise({ state, index }: Change, { level }: Body<'level.raise'>): Effect {
  checkLevel(level, `entry ${index} of the log`);
  state.level = Math.max(state.level, level);
  return {};
}
