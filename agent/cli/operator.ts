/** `rollcall operator …`: care for the servers, and help when too few of them are left. */
import { Command } from 'commander';
import type { Io } from './io.ts';
import { addRaftCommands } from './operator-raft.ts';
import { recoverCommand } from './operator-recover.ts';

export function command(io: Io): Command {
  const operator = new Command();
  addRaftCommands(operator.command('raft').description('Who belongs to the servers, and who leads.'), io);
  operator.addCommand(recoverCommand(io));
  return operator;
}
