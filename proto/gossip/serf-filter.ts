/** Whom a Serf query is meant for: one entry of its `Filters` (gossip-wire 15.3). */
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal, Refusal } from './refusal.ts';
import { list, readOrZero, struct, text } from './struct.ts';

export interface NodeFilter {
  readonly kind: 'nodes';
  readonly nodes: readonly string[];
}

export interface TagFilter {
  readonly kind: 'tag';
  readonly tag: string;
  /** A Go (RE2) expression, unanchored, from whoever asks: never hand it to an engine that backtracks. */
  readonly expression: string;
}

export type QueryFilter = NodeFilter | TagFilter;

const nodeFilterType = 0;
const tagFilterType = 1;

const nodes = list(text);
const tag = struct<Omit<TagFilter, 'kind'>>([
  { key: 'Expr', name: 'expression', kind: text },
  { key: 'Tag', name: 'tag', kind: text },
]);

export function encodeFilter(filter: QueryFilter): Uint8Array {
  const writer = new MsgpackWriter();
  if (filter.kind === 'nodes') {
    writer.byte(nodeFilterType);
    nodes.write(writer, filter.nodes);
  } else {
    writer.byte(tagFilterType);
    tag.write(writer, filter);
  }
  return writer.bytes;
}

/** Undefined for a filter that nobody can read: by Serf's rule it matches nobody. */
export function decodeFilter(encoded: Uint8Array): QueryFilter | undefined {
  return catchRefusal(() => readFilter(encoded)).message;
}

function readFilter(encoded: Uint8Array): QueryFilter {
  const reader = new MsgpackReader(encoded, 1);
  if (encoded[0] === nodeFilterType) return { kind: 'nodes', nodes: readOrZero(reader, nodes) };
  if (encoded[0] === tagFilterType) return { kind: 'tag', ...readOrZero(reader, tag) };
  throw new Refusal('unknown-type');
}
