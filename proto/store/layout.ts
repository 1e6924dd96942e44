/**
 * The data folder of an agent: who we are, and that nobody else is using it.
 *
 *   meta.json    format, node id, cluster id, when it was made
 *   lock         held by the process that uses the folder
 *   journal/  local/                    on every host
 *   raft/  events/  snapshots/          on servers
 *
 * The node id is made with the folder and never changes: a wiped folder is another node.
 */
import { ExpectedError, messageOf } from '../errors.ts';
import { isRecord } from '../plain.ts';
import type { Clock, Disk, Random } from '../ports.ts';
import { isUuid, makeUuid } from '../uuid.ts';
import { adviceFor, cannotWrite } from './faults.ts';
import { readJson, writeJsonAtomically } from './files.ts';

/** Raised when a folder can no longer be read by older programs. */
export const layoutFormat = 1;

/** Keys that a newer program of the same format has added survive a rewrite by an older one. */
export interface Meta {
  readonly [key: string]: unknown;
  readonly format: typeof layoutFormat;
  readonly nodeId: string;
  /** Null until this node has met its cluster. */
  readonly clusterId: string | null;
  /** RFC 3339; for people. */
  readonly createdAt: string;
}

/** One process a folder. The simulator has no such thing: its disk belongs to one process by construction. */
export interface FolderLock {
  /** Rejects with DISK_IN_USE, naming the holder. Resolves to the release. */
  acquire(folder: string): Promise<() => Promise<void>>;
}

export interface DataFolderPorts {
  readonly disk: Disk;
  readonly random: Random;
  readonly clock: Clock;
  readonly lock?: FolderLock;
  /** For a new folder: the id that the configuration demands. An existing folder has to have it already. */
  readonly nodeId?: string;
}

const subfolders = ['raft', 'events', 'snapshots', 'journal', 'local'];
/** What an empty file system or a first start that was cut off may hold. */
const harmless = /^(lock(\..*)?|meta\.json\.tmp|lost\+found)$/;

export class DataFolder {
  readonly path: string;
  readonly #disk: Disk;
  readonly #release: () => Promise<void>;
  #meta: Meta;

  private constructor(path: string, disk: Disk, meta: Meta, release: () => Promise<void>) {
    this.path = path;
    this.#disk = disk;
    this.#meta = meta;
    this.#release = release;
  }

  /**
   * Opens the folder or makes it, with everything in it that has to be there before the first byte is stored. Rejects
   * with CANNOT_WRITE, DISK_IN_USE, DISK_FOREIGN or DISK_DAMAGED; each says what, where and what to do.
   */
  static async open(path: string, ports: DataFolderPorts): Promise<DataFolder> {
    const { disk, lock } = ports;
    try {
      await disk.makeFolder(path);
    } catch (error) {
      throw cannotWrite(`data_dir ${path}`, error);
    }
    const release = (await lock?.acquire(path)) ?? (async () => {});
    try {
      const meta = (await readMeta(disk, path)) ?? (await createMeta(path, ports));
      if (ports.nodeId !== undefined && meta.nodeId !== ports.nodeId.toLowerCase()) {
        const text = `${path} belongs to node ${meta.nodeId}, and node_id is ${ports.nodeId}: correct node_id, or choose another data_dir`;
        throw new ExpectedError('DISK_FOREIGN', text);
      }
      return new DataFolder(path, disk, meta, release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  get meta(): Meta {
    return this.#meta;
  }

  /** Path of one of the parts, `raft` for instance. */
  part(name: (typeof subfolders)[number]): string {
    return `${this.path}/${name}`;
  }

  /** Durable when it resolves. The node id stays what it is. */
  async update(change: Partial<Omit<Meta, 'format' | 'nodeId'>>): Promise<void> {
    const meta = { ...this.#meta, ...change };
    await storeMeta(this.#disk, this.path, meta);
    this.#meta = meta;
  }

  async release(): Promise<void> {
    await this.#release();
  }
}

async function readMeta(disk: Disk, folder: string): Promise<Meta | undefined> {
  const path = `${folder}/meta.json`;
  let raw: unknown;
  try {
    raw = await readJson(disk, path);
  } catch (error) {
    if (error instanceof SyntaxError) throw spoiled(path, error.message);
    throw new ExpectedError('DISK_DAMAGED', `cannot read ${path}: ${adviceFor(error)}`, { cause: error });
  }
  if (raw === undefined) return undefined;
  if (!isRecord(raw)) throw spoiled(path, 'it holds no JSON object');
  const { format } = raw;
  if (typeof format === 'number' && format !== layoutFormat) {
    const text = `${folder} has format ${format} and this program knows ${layoutFormat}: start the newer version again`;
    throw new ExpectedError('DISK_FOREIGN', text);
  }
  const wrong = wrongKeyOf(raw);
  if (wrong !== undefined) throw spoiled(path, `${wrong} is missing or not what it should be`);
  return raw as unknown as Meta;
}

function wrongKeyOf({ format, nodeId, clusterId, createdAt }: Readonly<Record<string, unknown>>) {
  if (format !== layoutFormat) return 'format';
  if (!isUuid(nodeId)) return 'nodeId';
  if (clusterId !== null && !isUuid(clusterId)) return 'clusterId';
  return typeof createdAt === 'string' ? undefined : 'createdAt';
}

function spoiled(path: string, reason: string): ExpectedError {
  const text = `${path} is unreadable (${reason}): restore it from a backup, or give this host an empty data_dir and let it join as a new node`;
  return new ExpectedError('DISK_DAMAGED', text);
}

async function createMeta(folder: string, ports: DataFolderPorts): Promise<Meta> {
  const { disk, random, clock } = ports;
  const names = await disk.list(folder).catch((error: unknown) => {
    throw new ExpectedError('DISK_DAMAGED', `cannot read ${folder}: ${messageOf(error)}`, { cause: error });
  });
  const ours = names.filter((name) => subfolders.includes(name));
  if (ours.length > 0) {
    const text = `${folder} holds ${ours.join(', ')} but no meta.json: restore it from a backup, or choose an empty data_dir`;
    throw new ExpectedError('DISK_DAMAGED', text);
  }
  const strange = names.filter((name) => !harmless.test(name));
  if (strange.length > 0) {
    const text = `${folder} is no data folder of ours and not empty (${strange.slice(0, 3).join(', ')}): choose an empty data_dir`;
    throw new ExpectedError('DISK_FOREIGN', text);
  }
  const createdAt = new Date(clock.wallMs()).toISOString();
  const nodeId = ports.nodeId?.toLowerCase() ?? makeUuid(random);
  const meta: Meta = { format: layoutFormat, nodeId, clusterId: null, createdAt };
  await storeMeta(disk, folder, meta);
  return meta;
}

async function storeMeta(disk: Disk, folder: string, meta: Meta): Promise<void> {
  try {
    await writeJsonAtomically(disk, `${folder}/meta.json`, meta);
  } catch (error) {
    throw cannotWrite(`${folder}/meta.json`, error);
  }
}
