/** `rollcall operator raft …`: shows the servers and changes who they are. What would lose the quorum is refused. */
import { Command } from 'commander';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

interface ApiServer {
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Leader: boolean;
  readonly Voter: boolean;
}

interface ListOptions extends SharedOptions {
  readonly stale?: boolean;
}

export function addRaftCommands(raft: Command, io: Io): void {
  raft.addCommand(
    withAgent(new Command('list-peers'))
      .description('Show the servers.')
      .option('--stale', 'as the asked server has it, also when nobody leads')
      .action((options: ListOptions) => list(options, io)),
  );
  raft.addCommand(
    withAgent(new Command('remove-peer'))
      .description('Take the vote of a server that will not come back.')
      .argument('<server>', 'its name, id or address')
      .addHelpText(
        'after',
        '\nA server that still runs joins again: use `rollcall leave` on its host instead.',
      )
      .action(async (server: string, options: SharedOptions) => {
        const { ID, Node } = await find(server, options, io);
        await apiOf(options, io).delete('/v1/operator/raft/peer', { id: ID });
        await done(options, io, { Removed: ID }, `${Node} is no server of this cluster any more.`);
      }),
  );
  raft.addCommand(
    withAgent(new Command('add-voter'))
      .description('Let a learner vote at once, without waiting until it was stable for 10 s.')
      .argument('<server>', 'its name, id or address')
      .action(async (server: string, options: SharedOptions) => {
        const { ID, Node } = await find(server, options, io);
        await apiOf(options, io).put('/v1/operator/raft/voter', { id: ID });
        await done(options, io, { Voter: ID }, `${Node} votes.`);
      }),
  );
  raft.addCommand(
    withAgent(new Command('transfer-leader'))
      .description('Let another server lead.')
      .argument('[server]', 'its name, id or address; without it whoever is most up to date')
      .action(async (server: string | undefined, options: SharedOptions) => {
        const id = server === undefined ? undefined : (await find(server, options, io)).ID;
        await apiOf(options, io).put('/v1/operator/raft/transfer-leader', { id });
        const leader = (await servers(options, io)).find((each) => each.Leader);
        await done(options, io, { Leader: leader?.ID ?? '' }, `${leader?.Node ?? 'Another server'} leads.`);
      }),
  );
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const found = await servers(options, io);
  if (options.format === 'json') return printJson(io, found);
  const rows = found.map(({ ID, Node, Address, Leader, Voter }) => [
    Node,
    ID,
    Address,
    Leader ? 'leader' : 'follower',
    String(Voter),
  ]);
  await io.print(formatTable(['Node', 'ID', 'Address', 'State', 'Voter'], rows));
}

async function servers(options: ListOptions, io: Io): Promise<readonly ApiServer[]> {
  const query = options.stale ? { stale: '' } : {};
  const path = '/v1/operator/raft/configuration';
  return (await apiOf(options, io).json<{ Servers: readonly ApiServer[] }>(path, query)).Servers;
}

async function find(server: string, options: SharedOptions, io: Io): Promise<ApiServer> {
  const all = await servers(options, io);
  const found = all.filter(({ ID, Node, Address }) => [ID, Node, Address].includes(server));
  if (found.length === 1) return found[0]!;
  const names = all.map(({ Node }) => Node).join(', ');
  const reason =
    found.length === 0 ? 'no server of this cluster' : 'the name of several servers: give its id';
  throw new Exit(exitFailed, `${harmless(server)} is ${reason} (there are ${harmless(names)})`);
}

async function done(options: SharedOptions, io: Io, value: unknown, sentence: string): Promise<void> {
  if (options.format === 'json') return printJson(io, value);
  await io.print(`${harmless(sentence)}\n`);
}
