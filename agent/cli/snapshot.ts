/** `rollcall snapshot inspect`: reads a snapshot file of a server from its first byte to its last, and says what is in it. */
import { Command } from 'commander';
import { messageOf } from '../../proto/errors.ts';
import { StateBuilder } from '../../server/fsm/snapshot.ts';
import { SnapshotReader } from '../../server/snapshot-file.ts';
import { RealDisk } from '../host/disk.ts';
import { Exit, exitFailed, type Io } from './io.ts';
import { printJson, type SharedOptions, withFormat } from './shared.ts';
import { formatTable } from './table.ts';

export function command(io: Io): Command {
  const snapshot = new Command();
  snapshot.addCommand(
    withFormat(new Command('inspect'))
      .description('Check a snapshot file and show what it holds.')
      .argument('<file>', 'one of data_dir/snapshots')
      .action(async (file: string, options: Pick<SharedOptions, 'format'>) => {
        const found = await inspect(file);
        if (options.format === 'json') return printJson(io, found);
        const rows = Object.entries(found).map(([key, value]) => [key, String(value)]);
        await io.print(formatTable(['Key', 'Value'], rows));
      }),
  );
  return snapshot;
}

async function inspect(file: string): Promise<Record<string, string | number>> {
  try {
    const { reader, header } = await SnapshotReader.open(new RealDisk(), file);
    try {
      const builder = new StateBuilder();
      for (let piece = await reader.next(); piece; piece = await reader.next()) builder.addPiece(piece);
      const { catalog } = builder.finish();
      const nodes = catalog.nodes();
      return {
        Index: header.meta.index,
        Term: header.meta.term,
        Cluster: header.clusterId,
        TakenBy: header.nodeId,
        Log: header.logId,
        FirstOffset: header.firstOffset,
        LastOffset: header.lastOffset,
        Voters: header.meta.membership.voters.length,
        Nodes: nodes.length,
        Checks: nodes.reduce((sum, { name }) => sum + catalog.checksOf(name).length, 0),
        Bytes: await reader.size(),
      };
    } finally {
      await reader.close();
    }
  } catch (error) {
    throw new Exit(exitFailed, `${file}: ${messageOf(error)}`);
  }
}
