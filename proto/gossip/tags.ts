/** What a member says of itself, as the meta bytes of its alive messages (gossip-wire 15.4). */
import { ExpectedError } from '../errors.ts';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal } from './refusal.ts';
import { mapOf, readOrZero, text } from './struct.ts';
import { decodeText } from './text.ts';

/** The most meta bytes that memberlist lets a member announce. */
export const metaBytesMax = 512;

const tagsMark = 0xff;
const tagMap = mapOf(text);

/** Tags in the order of the map. Throws `BAD_REQUEST` when they take more than `metaBytesMax` bytes. */
export function encodeTags(tags: ReadonlyMap<string, string>): Uint8Array {
  const writer = new MsgpackWriter();
  writer.byte(tagsMark);
  tagMap.write(writer, tags);
  const meta = writer.bytes;
  if (meta.length <= metaBytesMax) return meta;
  const [longest] = [...tags].sort(([, a], [, b]) => b.length - a.length);
  throw new ExpectedError(
    'BAD_REQUEST',
    `the tags take ${meta.length} bytes of at most ${metaBytesMax}; the longest is ${longest?.[0]}`,
  );
}

/** Meta without the mark is one tag `role`, as Serf wrote it before tags; damaged meta is no tags at all. */
export function decodeTags(meta: Uint8Array): ReadonlyMap<string, string> {
  if (meta[0] !== tagsMark) return new Map([['role', decodeText(meta)]]);
  const decoded = catchRefusal(() => readOrZero(new MsgpackReader(meta, 1), tagMap));
  return decoded.message ?? new Map();
}
