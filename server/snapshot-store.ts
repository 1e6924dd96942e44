/**
 * The state machine's records as the content of a snapshot file, and back. Records are encoded some at a time, each
 * lot when the disk has taken the one before, so that a large state does not stop the event loop.
 */
import { assert } from '../proto/assert.ts';
import { decode, encode } from '../proto/codec.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { SnapshotMeta } from '../proto/raft.ts';
import type { StateRecord } from './fsm/snapshot.ts';
import type { SnapshotHeader } from './snapshot-file.ts';
import type { SnapshotReceiver, Snapshots, StoredSnapshot } from './snapshots.ts';

/** Records that become one piece of a file. */
const recordsAtOnce = 256;
/** Bytes of a file that are sent at once. */
const chunkBytes = 512 * 1024;

export class SnapshotStore {
  readonly #snapshots: Snapshots;
  readonly #origin: { readonly clusterId: string; readonly nodeId: string };

  /** `origin` is written into each snapshot, for people who look at a copy of one. */
  constructor(snapshots: Snapshots, origin: { readonly clusterId: string; readonly nodeId: string }) {
    this.#snapshots = snapshots;
    this.#origin = origin;
  }

  /** Durable, and the newest one, when it resolves. The head of the state comes first. Rejects with CANNOT_WRITE. */
  async save(meta: SnapshotMeta, records: Iterable<StateRecord>): Promise<void> {
    const iterator = records[Symbol.iterator]();
    const first = iterator.next();
    const head: StateRecord | undefined = first.done ? undefined : first.value;
    assert(head?.[0] === 'head', 'the head of a state comes first');
    const { logId, first: firstOffset, last: lastOffset, timeMs } = head[1].events;
    const header: SnapshotHeader = { meta, logId, firstOffset, lastOffset, timeMs, ...this.#origin };
    await this.#snapshots.write(header, piecesOf(head, iterator));
  }

  /** Bytes of the file from a position on, empty at its end; null when there is no such snapshot any more. */
  async read(meta: SnapshotMeta, position: number): Promise<{ bytes: Uint8Array; size: number } | null> {
    const snapshot = this.#snapshots.find(meta);
    if (!snapshot) return null;
    const bytes = await this.#snapshots.readBytes(snapshot, position, chunkBytes);
    return { bytes, size: snapshot.size };
  }

  /** Takes the bytes of another server's snapshot in order; nothing counts before `finish`. */
  receive(meta: SnapshotMeta): Promise<SnapshotReceiver> {
    return this.#snapshots.receive(meta);
  }

  /** The records of a snapshot that is here. Throws NOT_FOUND or DISK_DAMAGED. */
  async *load(meta: Pick<SnapshotMeta, 'index' | 'term'>): AsyncGenerator<StateRecord> {
    const snapshot = this.#snapshots.find(meta);
    if (!snapshot) throw new ExpectedError('NOT_FOUND', `there is no snapshot at ${meta.index}`);
    yield* this.#recordsOf(snapshot);
  }

  async *#recordsOf(snapshot: StoredSnapshot): AsyncGenerator<StateRecord> {
    for await (const piece of this.#snapshots.content(snapshot)) yield* decode(piece) as StateRecord[];
  }
}

function* piecesOf(head: StateRecord, rest: Iterator<StateRecord>): Generator<Uint8Array> {
  let lot: StateRecord[] = [head];
  for (let next = rest.next(); !next.done; next = rest.next()) {
    lot.push(next.value);
    if (lot.length < recordsAtOnce) continue;
    yield encode(lot);
    lot = [];
  }
  if (lot.length > 0) yield encode(lot);
}
