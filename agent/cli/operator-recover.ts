/** `rollcall operator recover`: makes one server out of a cluster that lost its quorum. Works on a stopped server's folder. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { messageOf } from '../../proto/errors.ts';
import type { Disk } from '../../proto/ports.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import { makeUuid } from '../../proto/uuid.ts';
import {
  beforeOf,
  isRecovering,
  recover,
  type Survey,
  type Survivors,
  survey,
} from '../../server/recover.ts';
import { hostClock } from '../host/clock.ts';
import { RealDisk } from '../host/disk.ts';
import { folderLock } from '../host/folder-lock.ts';
import { MemoryDisk } from '../host/memory-disk.ts';
import { hostRandom } from '../host/random.ts';
import { Exit, exitFailed, exitUsage, harmless, type Io } from './io.ts';
import { printJson, type SharedOptions, withFormat } from './shared.ts';

interface Options extends Pick<SharedOptions, 'format'> {
  readonly dataDir: string;
  readonly peers?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function recoverCommand(io: Io): Command {
  return withFormat(new Command('recover'))
    .description('Go on with one server when too few are left to agree. Stop it first.')
    .requiredOption('--data-dir <folder>', 'of the stopped server that has the most')
    .option(
      '--peers <file>',
      "who goes on, as Consul's peers.json: this server votes, others come as learners",
    )
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
    const survivors = await survivorsIn(options.peers, folder.meta.nodeId);
    if (!isRecovering(folder)) {
      const copy = await copyOf(disk, [folder.part('raft'), folder.part('snapshots')]);
      const found = await survey(folder, copy);
      if (options.format === 'json') await printJson(io, found);
      else await io.print(textOf(found, survivors));
    }
    if (options.dryRun) return;
    if (!options.yes) {
      throw new Exit(exitUsage, 'nothing was changed: --yes does it, --dry-run only shows it');
    }
    await recover(folder, disk, makeUuid(random), survivors);
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

const peers = z
  .array(
    z.object({
      id: z.string().min(1),
      address: z.string().min(1),
      non_voter: z.boolean().default(false),
    }),
  )
  .min(1);

/**
 * Consul's `peers.json`. Its voters each bring a log of their own there, which may differ; here one server brings the log,
 * and everybody else gets it from that one before it votes.
 */
async function survivorsIn(file: string | undefined, nodeId: string): Promise<Survivors> {
  if (file === undefined) return { address: '', learners: {} };
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Exit(exitUsage, `--peers: ${messageOf(error)}`);
  });
  const parsed = peers.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new Exit(
      exitUsage,
      `--peers: ${file} is no list of id, address and non_voter: ${z.prettifyError(parsed.error)}`,
    );
  }
  const own = parsed.data.find(({ id }) => id === nodeId);
  const others = parsed.data.filter(({ id }) => id !== nodeId);
  if (own === undefined || own.non_voter) {
    throw new Exit(
      exitUsage,
      `--peers: ${file} does not name the server of this data folder, ${nodeId}, as a voter`,
    );
  }
  const voter = others.find((other) => !other.non_voter);
  if (voter !== undefined) {
    const advice = 'give it "non_voter": true and an empty data folder; it votes once it holds the log';
    throw new Exit(exitUsage, `--peers: ${voter.id} cannot vote with a log of its own: ${advice}`);
  }
  return {
    address: own.address,
    learners: Object.fromEntries(others.map(({ id, address }) => [id, address])),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
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

function textOf(found: Survey, { address, learners }: Survivors): string {
  const expected = Object.entries(learners);
  const others = found.servers.filter(({ id }) => id !== found.nodeId && learners[id] === undefined);
  const own = found.servers.find(({ id }) => id === found.nodeId);
  const forgotten = others.map(({ name, id, voter }) => `  ${name} (${id})${voter ? '' : ', no voter'}`);
  const events =
    found.lastOffset < found.firstOffset ? 'none' : `${found.firstOffset} to ${found.lastOffset}`;
  const lines = [
    `Survives: ${own?.name ?? 'this server'} (${found.nodeId}${address === '' ? '' : `, at ${address}`}), of cluster ${found.clusterId}`,
    ...expected.map(([id, at]) => `Expected as a learner: ${id}, at ${at}`),
    `Forgotten: ${others.length === 0 ? 'nobody' : ''}`,
    ...forgotten,
    `Log: to entry ${found.lastIndex} of term ${found.lastTerm} (this server has seen term ${found.hardState.term})`,
    `Events: ${events}. Nodes in the catalog: ${found.nodes}`,
    `Kept, though nobody knows whether it was agreed on: ${found.uncertain} entries`,
    'Lost: whatever the others agreed on behind that entry. If another server has more, recover that one.',
    'Events go on behind a gap: no number that a lost server may have given is given again.',
  ];
  return `${lines.map((line) => harmless(line).trimEnd()).join('\n')}\n`;
}
