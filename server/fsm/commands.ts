/**
 * Every kind of command, the version of its body that this server knows, and the function that applies it. A new kind
 * is one schema in `proto/schema/command.ts`, one file here and one line in this table.
 */
import { decode, encode } from '../../proto/codec.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { Command, CommandBody, CommandKind } from '../../proto/schema/command.ts';
import { applyDeregister } from './catalog-deregister.ts';
import { applyRegister } from './catalog-register.ts';
import type { Body, Change } from './change.ts';
import {
  applyNodeAlive,
  applyNodeEvidence,
  applyNodeFailed,
  applyNodeLeft,
  applyNodeReap,
} from './gossip-verdicts.ts';
import {
  applyCursorPut,
  applyCursorRemove,
  applyLeaderElected,
  applySkip,
  applyTrim,
} from './housekeeping.ts';
import { applyJournal } from './journal.ts';
import { applyLevelRaise } from './level.ts';
import type { Effect } from './outcome.ts';
import { applyRestoreBegin, applyRestoreFinish, applyRestorePiece } from './restore.ts';
import { applyBar } from './servers.ts';
import { applySync } from './sync.ts';

interface Applier<K extends CommandKind> {
  readonly version: Body<K>['v'];
  readonly apply: (change: Change, body: Body<K>) => Effect;
}

const appliers: { readonly [K in CommandKind]: Applier<K> } = {
  'node.alive': { version: 1, apply: applyNodeAlive },
  'node.failed': { version: 1, apply: applyNodeFailed },
  'node.left': { version: 1, apply: applyNodeLeft },
  'node.reap': { version: 1, apply: applyNodeReap },
  'node.evidence': { version: 1, apply: applyNodeEvidence },
  journal: { version: 1, apply: applyJournal },
  sync: { version: 1, apply: applySync },
  'catalog.register': { version: 1, apply: applyRegister },
  'catalog.deregister': { version: 1, apply: applyDeregister },
  'leader.elected': { version: 1, apply: applyLeaderElected },
  'events.trim': { version: 1, apply: applyTrim },
  'server.bar': { version: 1, apply: applyBar },
  'level.raise': { version: 1, apply: applyLevelRaise },
  'events.skip': { version: 1, apply: applySkip },
  'cursor.put': { version: 1, apply: applyCursorPut },
  'cursor.remove': { version: 1, apply: applyCursorRemove },
  'restore.begin': { version: 1, apply: applyRestoreBegin },
  'restore.piece': { version: 1, apply: applyRestorePiece },
  'restore.finish': { version: 1, apply: applyRestoreFinish },
};

export function applyBody(change: Change, body: CommandBody): Effect {
  const applier = appliers[body.kind] as Applier<CommandKind>;
  return applier.apply(change, body);
}

export function encodeCommand(command: Command): Uint8Array {
  return encode(command);
}

/**
 * The shape of a command was judged before it entered the log; here only kind and version are. Throws PROTOCOL with
 * advice when a newer server wrote something that this one cannot apply: guessing would make the catalogs differ.
 */
export function decodeCommand(data: Uint8Array, index: number): Command {
  const command = decode(data) as Command;
  const { kind, v } = command.body;
  if (!Object.hasOwn(appliers, kind) || appliers[kind].version !== v) {
    throw new ExpectedError(
      'PROTOCOL',
      `entry ${index} of the log holds the command "${kind}" in version ${v}, which this server does not know: a newer server wrote it. Update this server and start it again; nothing is lost.`,
    );
  }
  return command;
}
