/**
 * Values become bytes and bytes become values: MessagePack for RPC, Raft and whatever lies on disk. The one
 * importer of msgpackr, so that replacing it is an afternoon.
 *
 * Only plain data goes through: null, booleans, numbers, strings, `Uint8Array`, arrays and objects (`undefined`
 * survives as a value of a key, -0 becomes 0). Integers are plain numbers, exact up to 2^53. The pure JavaScript half of
 * msgpackr is used on purpose: bytes and results must not depend on whether a native helper could be installed.
 */
import { addExtension, Packr } from 'msgpackr/pack';
import { ExpectedError, messageOf } from './errors.ts';

/** Bytes of one encoded value at most, unless the caller sets its own limit. */
export const valueBytesMax = 64 * 1024 * 1024;

export interface CodecLimit {
  /** Default `valueBytesMax`. */
  readonly bytesMax?: number;
}

/** What msgpackr can read beyond plain data (big integers, errors, references, sets, typed arrays, regular expressions,
 * bundled strings, dates). We never write it, and a stranger's bytes shall not build it. */
const foreignExtensions = [0x42, 0x62, 0x65, 0x69, 0x70, 0x73, 0x74, 0x78, 0xff];
for (const type of foreignExtensions) {
  addExtension({
    type,
    unpack() {
      throw new Error(`extension ${type} is no plain data`);
    },
  });
}

const packr = new Packr({ useRecords: false, int64AsType: 'number', copyBuffers: false });

/** Throws TOO_LARGE beyond the limit. The bytes are the caller's: nothing writes to them again. */
export function encode(value: unknown, limit?: CodecLimit): Uint8Array {
  const bytes = packr.pack(value);
  refuseOversize(bytes.length, limit, 'encoded value');
  return bytes;
}

/**
 * Throws TOO_LARGE beyond the limit and PROTOCOL for anything that is not exactly one value. Byte fields of the
 * result are views into `bytes`: whoever keeps a small one of a large message copies it.
 */
export function decode(bytes: Uint8Array, limit?: CodecLimit): unknown {
  refuseOversize(bytes.length, limit, 'value to decode');
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw new ExpectedError('PROTOCOL', `bytes are no value: ${messageOf(error)}`, { cause: error });
  }
}

function refuseOversize(length: number, limit: CodecLimit | undefined, what: string): void {
  const bytesMax = limit?.bytesMax ?? valueBytesMax;
  if (length > bytesMax) {
    throw new ExpectedError('TOO_LARGE', `${what} has ${length} bytes, more than the limit of ${bytesMax}`);
  }
}
