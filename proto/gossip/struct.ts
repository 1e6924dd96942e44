/**
 * Go structs on the wire are maps with the field names as keys, in alphabetical order. A message is described
 * once, as a table of its fields, and the table both writes and reads it: unknown keys are skipped, missing
 * ones and nil leave the zero value, the order is free.
 */
import { assert } from '../assert.ts';
import { wideIntegerMax } from './messages.ts';
import type { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { encodeText } from './text.ts';

/** How one type of value is written and read. The reader has already dealt with nil. */
export interface Kind<V> {
  /** What a missing or nil value means. */
  readonly zero: V;
  write(writer: MsgpackWriter, value: V): void;
  read(reader: MsgpackReader): V;
}

type FieldOf<T> = {
  [K in keyof T]-?: {
    /** Name on the wire. */
    readonly key: string;
    readonly name: K;
    readonly kind: Kind<T[K]>;
    /** Left out when zero or empty, as Go's `omitempty` does. */
    readonly omitEmpty?: boolean;
  };
}[keyof T];

const nothing = new Uint8Array(0);

export const text: Kind<string> = {
  zero: '',
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
};

export const bytes: Kind<Uint8Array> = {
  zero: nothing,
  write: (writer, value) => writer.bin(value),
  read: (reader) => reader.bin(),
};

export const bool: Kind<boolean> = {
  zero: false,
  write: (writer, value) => writer.bool(value),
  read: (reader) => reader.bool(),
};

export const float: Kind<number> = {
  zero: 0,
  write: (writer, value) => writer.float(value),
  read: (reader) => reader.float(),
};

export const u8 = integer(0, 0xff);
export const u16 = integer(0, 0xffff);
export const u32 = integer(0, 0xffff_ffff);
/** 64 bits on the wire, at most 2^53 − 1 here. */
export const u64 = integer(0, wideIntegerMax);
export const i64 = integer(-wideIntegerMax, wideIntegerMax);

export function integer(min: number, max: number): Kind<number> {
  return {
    zero: 0,
    write(writer, value) {
      assert(value >= min && value <= max, `${value} is not within ${min} and ${max}`);
      writer.int(value);
    },
    read: (reader) => reader.int(min, max),
  };
}

export function nullable<V>(kind: Kind<V>): Kind<V | null> {
  return {
    zero: null,
    write: (writer, value) => (value === null ? writer.nil() : kind.write(writer, value)),
    read: (reader) => kind.read(reader),
  };
}

export function list<V>(kind: Kind<V>, options?: { nilWhenEmpty: boolean }): Kind<readonly V[]> {
  return {
    zero: [],
    write(writer, values) {
      if (options?.nilWhenEmpty && values.length === 0) writer.nil();
      else writer.arrayHeader(values.length);
      for (const value of values) kind.write(writer, value);
    },
    read(reader) {
      const count = reader.arrayHeader();
      const values: V[] = [];
      for (let i = 0; i < count; i++) values.push(readOrZero(reader, kind));
      return values;
    },
  };
}

/** A map with text keys. Go writes it in random order; here the order of the Map is kept. */
export function mapOf<V>(kind: Kind<V>): Kind<ReadonlyMap<string, V>> {
  return {
    zero: new Map(),
    write(writer, map) {
      writer.mapHeader(map.size);
      for (const [key, value] of map) {
        writer.text(key);
        kind.write(writer, value);
      }
    },
    read(reader) {
      const count = reader.mapHeader();
      const map = new Map<string, V>();
      for (let i = 0; i < count; i++) map.set(readOrZero(reader, text), readOrZero(reader, kind));
      return map;
    },
  };
}

/** A struct whose fields stand in wire order. `type` never travels: it is what `fixed` says. */
export function struct<T extends object>(
  fields: readonly FieldOf<Omit<T, 'type'>>[],
  fixed?: { readonly type: string },
): Kind<T> {
  const keys = fields.map((field) => encodeText(field.key));
  const zero = { ...fixed } as Record<PropertyKey, unknown>;
  for (const field of fields) zero[field.name] = field.kind.zero;

  return {
    zero: zero as T,
    write(writer, value) {
      const record = value as unknown as Record<PropertyKey, never>;
      let count = 0;
      for (const field of fields) if (!isOmitted(field, record[field.name])) count += 1;
      writer.mapHeader(count);
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i]!;
        if (isOmitted(field, record[field.name])) continue;
        writer.bin(keys[i]!);
        field.kind.write(writer, record[field.name]!);
      }
    },
    read(reader) {
      const record = { ...zero };
      const count = reader.mapHeader();
      let expected = 0;
      for (let i = 0; i < count; i++) {
        const index = reader.key(keys, expected);
        const field = fields[index];
        if (field === undefined) {
          reader.skip();
          continue;
        }
        record[field.name] = readOrZero(reader, field.kind as Kind<unknown>);
        expected = index + 1;
      }
      return record as T;
    },
  };
}

export function readOrZero<V>(reader: MsgpackReader, kind: Kind<V>): V {
  return reader.takeNil() ? kind.zero : kind.read(reader);
}

function isOmitted(field: { readonly omitEmpty?: boolean }, value: unknown): boolean {
  if (!field.omitEmpty) return false;
  return value === 0 || value === '' || (value instanceof Uint8Array && value.length === 0);
}
