/**
 * `rollcall snapshot`: the servers' state in a file, and back. A file that was saved is checked from its first byte to its
 * last before it counts; `inspect` and `restore` also take a snapshot from a server's own folder.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { messageOf } from '../../proto/errors.ts';
import { type SnapshotHeader, SnapshotReader } from '../../proto/store/snapshot-file.ts';
import { StateBuilder } from '../../server/fsm/snapshot.ts';
import { RealDisk } from '../host/disk.ts';
import { type ArchiveTaker, readArchive, writeArchive } from '../snapshot-archive.ts';
import { Exit, exitFailed, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent, withFormat } from './shared.ts';
import { formatTable } from './table.ts';

/** Between two chunks of an archive; the servers walk their state before the first. */
const idleTimeoutMs = 60_000;

export function command(io: Io): Command {
  const snapshot = new Command();
  snapshot.addCommand(
    withAgent(new Command('save'))
      .description('Save the state of the servers in a file.')
      .argument('<file>', 'written anew')
      .option('--stale', 'take it from whichever server is asked, also when nobody leads')
      .action((file: string, options: SharedOptions & { stale?: boolean }) => save(file, options, io)),
  );
  snapshot.addCommand(
    withFormat(new Command('inspect'))
      .description('Check a snapshot file and show what it holds.')
      .argument('<file>', 'saved before, or one of data_dir/snapshots')
      .action(async (file: string, options: Pick<SharedOptions, 'format'>) => {
        await show(await inspect(file), options, io);
      }),
  );
  snapshot.addCommand(
    withAgent(new Command('restore'))
      .description('Put the state of a snapshot file in the place of what the servers have.')
      .argument('<file>', 'saved before, or one of data_dir/snapshots')
      .action((file: string, options: SharedOptions) => restore(file, options, io)),
  );
  return snapshot;
}

type Facts = Record<string, string | number>;

async function save(file: string, options: SharedOptions & { stale?: boolean }, io: Io): Promise<void> {
  const query = options.stale ? { stale: '' } : {};
  const api = apiOf(options, io);
  const answer = await api.open('/v1/snapshot', query, { accept: '*/*', idleTimeoutMs });
  // What breaks off half-way must not take the place of an older snapshot.
  const partial = `${file}.partial`;
  try {
    await pipeline(answer.body, createWriteStream(partial, { mode: 0o600 }));
    const facts = await inspect(partial);
    await syncFile(partial);
    await rename(partial, file);
    await show(facts, options, io);
  } catch (error) {
    await rm(partial, { force: true });
    throw error instanceof Exit ? error : new Exit(exitFailed, `${file}: ${messageOf(error)}`);
  }
}

async function restore(file: string, options: SharedOptions, io: Io): Promise<void> {
  const facts = await inspect(file);
  const archive = (await isArchive(file)) ? createReadStream(file) : await archiveOf(file);
  await apiOf(options, io).upload('/v1/snapshot', archive);
  if (options.format === 'json') return printJson(io, facts);
  await io.print(
    `Restored: ${facts.Nodes} nodes and ${facts.Checks} checks of entry ${facts.Index}. Agents that the servers know stay as they are.\n`,
  );
}

async function show(facts: Facts, { format }: Pick<SharedOptions, 'format'>, io: Io): Promise<void> {
  if (format === 'json') return printJson(io, facts);
  await io.print(
    formatTable(
      ['Key', 'Value'],
      Object.entries(facts).map(([key, value]) => [key, String(value)]),
    ),
  );
}

/** Reads all of it. Throws `Exit` with what is wrong. */
async function inspect(file: string): Promise<Facts> {
  const builder = new StateBuilder();
  let read: { readonly header: SnapshotHeader; readonly size: number } | undefined;
  const taker: ArchiveTaker = {
    header: (header, size) => {
      read = { header, size };
    },
    piece: (piece) => builder.addPiece(piece),
  };
  try {
    if (await isArchive(file)) await readArchive(createReadStream(file), taker);
    else await readSnapshot(file, taker);
    const { catalog } = builder.finish();
    const nodes = catalog.nodes();
    const { meta, clusterId, nodeId, logId, firstOffset, lastOffset } = read!.header;
    return {
      Index: meta.index,
      Term: meta.term,
      Cluster: clusterId,
      TakenBy: nodeId,
      Log: logId,
      FirstOffset: firstOffset,
      LastOffset: lastOffset,
      Voters: meta.membership.voters.length,
      Nodes: nodes.length,
      Checks: nodes.reduce((sum, { name }) => sum + catalog.checksOf(name).length, 0),
      Bytes: read!.size,
    };
  } catch (error) {
    throw new Exit(exitFailed, `${file}: ${messageOf(error)}`);
  }
}

async function readSnapshot(file: string, taker: ArchiveTaker): Promise<void> {
  const { reader, header } = await SnapshotReader.open(new RealDisk(), file);
  try {
    await taker.header(header, await reader.size());
    for (let piece = await reader.next(); piece; piece = await reader.next()) await taker.piece(piece);
  } finally {
    await reader.close();
  }
}

/** A snapshot of a server's folder in the envelope that the API takes. */
async function archiveOf(file: string): Promise<Readable> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  const { reader, header } = await SnapshotReader.open(new RealDisk(), file);
  await reader.close();
  const bytes = createReadStream(file) as AsyncIterable<Uint8Array>;
  return writeArchive({ meta: header.meta, size, sha256: hash.digest('hex'), bytes });
}

/** Whether it begins as gzip does. */
async function isArchive(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return buffer[0] === 0x1f && buffer[1] === 0x8b;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new Exit(exitFailed, `${file}: ${messageOf(error)}`);
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
