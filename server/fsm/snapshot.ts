/**
 * The state as a list of records, and back. Taking it copies references only, since rows never change in place;
 * writing may then take its time while commands go on. Records are sorted, so two servers at the same index write
 * the same bytes.
 */
import { assert } from '../../proto/assert.ts';
import { decode, encode } from '../../proto/codec.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { ServerId } from '../../proto/raft.ts';
import type { CheckRow, NodeRow, ServiceRow } from '../../proto/schema/catalog.ts';
import type { IndexTable } from '../catalog/indexes.ts';
import type { Cursor } from '../cursors.ts';
import type { KeptResult } from '../sessions.ts';
import { checkLevel } from './level.ts';
import type { Ending, EventCount, KnownServer, Restoring, State } from './state.ts';
import { emptyState } from './state.ts';

/** Version of the record list; a server refuses a list that it does not know. */
export const stateFormat = 1;

interface Head {
  readonly format: number;
  readonly index: number;
  readonly term: number;
  readonly electedTerm: number;
  readonly level: number;
  readonly events: EventCount;
  readonly tables: IndexTable;
}

export type StateRecord =
  | readonly ['head', Head]
  | readonly ['node', NodeRow, number]
  | readonly ['service', ServiceRow]
  | readonly ['check', CheckRow]
  | readonly ['serviceName', string, number]
  | readonly ['server', ServerId, KnownServer]
  | readonly ['ending', string, Ending]
  | readonly ['cursor', Cursor]
  | readonly ['result', KeptResult]
  /** A restore that is under way: what follows as `staged` belongs to it. */
  | readonly ['restoring', Omit<Restoring, 'taken'>]
  | readonly ['staged', StateRecord]
  | readonly ['restored', string]
  | readonly ['barred', ServerId];

/** A picture of the state that later commands do not change. */
export interface StateView {
  readonly index: number;
  readonly term: number;
  readonly events: Readonly<EventCount>;
  readonly records: readonly StateRecord[];
}

export function viewState(state: Readonly<State>): StateView {
  const { catalog, events } = state;
  const { table, services } = catalog.indexes.entries();
  const records: StateRecord[] = [
    [
      'head',
      {
        format: stateFormat,
        index: state.index,
        term: state.term,
        electedTerm: state.electedTerm,
        level: state.level,
        events: { ...events },
        tables: table,
      },
    ],
  ];
  for (const row of catalog.nodes()) {
    records.push(['node', row, catalog.indexes.node(row.name)]);
    for (const service of catalog.servicesOf(row.name)) records.push(['service', service]);
    for (const check of catalog.checksOf(row.name)) records.push(['check', check]);
  }
  for (const [name, index] of sorted(services)) records.push(['serviceName', name, index]);
  for (const [id, server] of sorted(state.servers)) records.push(['server', id, server]);
  for (const [node, ending] of sorted(state.endings)) records.push(['ending', node, ending]);
  for (const cursor of state.cursors.all()) records.push(['cursor', cursor]);
  for (const result of state.sessions.all()) records.push(['result', result]);
  for (const id of state.barred) records.push(['barred', id]);
  if (state.restored !== '') records.push(['restored', state.restored]);
  records.push(...restoringRecords(state));
  return { index: state.index, term: state.term, events: { ...events }, records };
}

function restoringRecords({ restoring }: Readonly<State>): StateRecord[] {
  if (restoring === null) return [];
  const { id, pieces, timeMs, taken } = restoring;
  const staged = taken.state === null ? [] : viewState(taken.state).records;
  return [['restoring', { id, pieces, timeMs }], ...staged.map((record) => ['staged', record] as const)];
}

/** Records that are encoded at once: a slice of a millisecond or two, with other work in between. */
const recordsAtOnce = 500;
/** Larger pieces are halved, unless they hold one record only: each must fit into one entry of the log. */
const pieceBytesMax = 1024 * 1024;

/** The records in pieces; made one by one, as they are asked for. */
export function* encodeState(view: StateView): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < view.records.length; from += recordsAtOnce) {
    yield* encodeRecords(view.records.slice(from, from + recordsAtOnce));
  }
}

function* encodeRecords(records: readonly StateRecord[]): Generator<Uint8Array, void, undefined> {
  const bytes = encode(records);
  if (bytes.length <= pieceBytesMax || records.length === 1) {
    yield bytes;
    return;
  }
  const half = Math.ceil(records.length / 2);
  yield* encodeRecords(records.slice(0, half));
  yield* encodeRecords(records.slice(half));
}

/** Builds a state record by record, so that a large snapshot need not be in memory twice. */
export class StateBuilder {
  #state: State | null = null;
  #tables: IndexTable | null = null;

  /** What has come so far; null before the head. */
  get state(): State | null {
    return this.#state;
  }

  /** One of the pieces of `encodeState`, in order. */
  addPiece(piece: Uint8Array): void {
    for (const record of decode(piece) as StateRecord[]) this.add(record);
  }

  /** Throws PROTOCOL when the list is of a format that this server does not know. */
  add(record: StateRecord): void {
    if (record[0] === 'head') {
      this.#begin(record[1]);
      return;
    }
    assert(this.#state !== null, 'the head of a state comes first');
    addTo(this.#state, record);
  }

  finish(): State {
    assert(this.#state !== null && this.#tables !== null, 'a state without a head');
    this.#state.catalog.indexes.restore(this.#tables);
    return this.#state;
  }

  #begin(head: Head): void {
    checkLevel(head.level, 'the snapshot');
    if (head.format !== stateFormat) {
      throw new ExpectedError(
        'PROTOCOL',
        `the snapshot has format ${head.format}, this server knows ${stateFormat}: a newer server wrote it. Update this server.`,
      );
    }
    const state = emptyState(head.events.logId);
    Object.assign(state.events, head.events);
    state.index = head.index;
    state.term = head.term;
    state.electedTerm = head.electedTerm;
    state.level = head.level;
    this.#state = state;
    this.#tables = head.tables;
  }
}

function addTo(state: State, record: Exclude<StateRecord, readonly ['head', Head]>): void {
  switch (record[0]) {
    case 'node':
      state.catalog.putNode(record[1]);
      state.catalog.indexes.restoreNode(record[1].name, record[2]);
      return;
    case 'service':
      state.catalog.putService(record[1]);
      return;
    case 'check':
      state.catalog.putCheck(record[1]);
      return;
    case 'serviceName':
      state.catalog.indexes.restoreService(record[1], record[2]);
      return;
    case 'server':
      state.servers.set(record[1], record[2]);
      return;
    case 'ending':
      state.endings.set(record[1], record[2]);
      return;
    case 'cursor':
      state.cursors.put(record[1]);
      return;
    case 'result':
      state.sessions.keep(record[1]);
      return;
    case 'barred':
      state.barred.add(record[1]);
      return;
    case 'restored':
      state.restored = record[1];
      return;
    case 'restoring':
      state.restoring = { ...record[1], taken: new StateBuilder() };
      return;
    case 'staged':
      assert(state.restoring !== null, 'what is staged belongs to a restore');
      state.restoring.taken.add(record[1]);
      return;
  }
}

function sorted<V>(pairs: Iterable<[string, V]>): Array<[string, V]> {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
}
