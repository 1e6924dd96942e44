/** `rollcall operator recover`: makes one server out of a cluster that lost its quorum. Works on a stopped server's folder. */
import { Command } from 'commander';
import { messageOf } from '../../proto/errors.ts';
import type { Disk } from '../../proto/ports.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import { makeUuid } from '../../proto/uuid.ts';
import { beforeOf, isRecovering, recover, type Survey, survey } from '../../server/recover.ts';
import { hostClock } from '../host/clock.ts';
import { RealDisk } from '../host/disk.ts';
import { folderLock } from '../host/folder-lock.ts';
import { MemoryDisk } from '../host/memory-disk.ts';
import { hostRandom } from '../host/random.ts';
import { Exit, exitFailed, exitUsage, harmless, type Io } from './io.ts';
import { printJson, type SharedOptions, withFormat } from './shared.ts';

interface Options extends Pick<SharedOptions, 'format'> {
  readonly dataDir: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function recoverCommand(io: Io): Command {
  return withFormat(new Command('recover'))
    .description('Go on with one server when too few are left to agree. Stop it first.')
    .requiredOption('--data-dir <folder>', 'of the stopped server that has the most')
    .option('--dry-run', 'say who survives and what is lost, and change nothing')
    .option('--yes', 'do it')
    .action((options: Options) => run(options, io));
}

async function run(options: Options, io: Io): Promise<void> {
  const disk = new RealDisk();
  const random = hostRandom();
  if ((await disk.readFile(`${options.dataDir}/meta.json`)) === undefined) {
    throw new Exit(exitUsage, `${options.dataDir} is no data folder: there is no meta.json`);
  }
  const ports = { disk, random, clock: hostClock(), lock: folderLock };
  const folder = await DataFolder.open(options.dataDir, ports).catch(fail);
  try {
    if (!isRecovering(folder)) {
      const copy = await copyOf(disk, [folder.part('raft'), folder.part('snapshots')]);
      const found = await survey(folder, copy);
      if (options.format === 'json') await printJson(io, found);
      else await io.print(textOf(found));
    }
    if (options.dryRun) return;
    if (!options.yes) {
      throw new Exit(exitUsage, 'nothing was changed: --yes does it, --dry-run only shows it');
    }
    await recover(folder, disk, makeUuid(random));
    if (options.format === 'json') return;
    const sentences = [
      `\nThis server is alone in cluster ${folder.meta.clusterId} now: start it.`,
      'The others join it again with empty data folders; agents find it by themselves.',
      `The old log is kept in ${beforeOf(folder)}.`,
    ];
    await io.print(`${sentences.join('\n')}\n`);
  } catch (error) {
    fail(error);
  } finally {
    await folder.release();
  }
}

function fail(error: unknown): never {
  throw error instanceof Exit ? error : new Exit(exitFailed, messageOf(error));
}

/** To look at: opening a log cuts its torn end, and a look changes nothing. */
async function copyOf(disk: Disk, folders: readonly string[]): Promise<Disk> {
  const copy = new MemoryDisk();
  for (const folder of folders) {
    for (const name of await disk.list(folder)) {
      const bytes = await disk.readFile(`${folder}/${name}`);
      if (bytes !== undefined) await (await copy.open(`${folder}/${name}`, { create: true })).write(0, bytes);
    }
  }
  return copy;
}

function textOf(found: Survey): string {
  const others = found.servers.filter(({ id }) => id !== found.nodeId);
  const own = found.servers.find(({ id }) => id === found.nodeId);
  const forgotten = others.map(({ name, id, voter }) => `  ${name} (${id})${voter ? '' : ', no voter'}`);
  const events =
    found.lastOffset < found.firstOffset ? 'none' : `${found.firstOffset} to ${found.lastOffset}`;
  const lines = [
    `Survives: ${own?.name ?? 'this server'} (${found.nodeId}), of cluster ${found.clusterId}`,
    `Forgotten: ${others.length === 0 ? 'nobody' : ''}`,
    ...forgotten,
    `Log: to entry ${found.lastIndex} of term ${found.lastTerm} (this server has seen term ${found.hardState.term})`,
    `Events: ${events}. Nodes in the catalog: ${found.nodes}`,
    `Kept, though nobody knows whether it was agreed on: ${found.uncertain} entries`,
    'Lost: whatever the others agreed on behind that entry. If another server has more, recover that one.',
  ];
  return `${lines.map((line) => harmless(line).trimEnd()).join('\n')}\n`;
}
