/**
 * A label keeps two clusters apart that meet on one address (memberlist 0.3): it stands in clear before
 * everything else, and sealed messages authenticate it. Labels must be equal, none at all included.
 */
import { ExpectedError } from '../errors.ts';
import { messageType } from './packets.ts';
import { Refusal } from './refusal.ts';
import { encodeText } from './text.ts';

export const labelBytesMax = 255;

export const noLabel = new Uint8Array(0);

/** Throws `BAD_REQUEST` when the label is too long; an empty one means none. */
export function labelOf(name: string): Uint8Array {
  const label = encodeText(name);
  if (label.length <= labelBytesMax) return label;
  throw new ExpectedError(
    'BAD_REQUEST',
    `the gossip label takes ${label.length} bytes of at most ${labelBytesMax}`,
  );
}

/** Bytes of the header that carries the label; 0 without one. */
export function labelOverhead(label: Uint8Array): number {
  return label.length === 0 ? 0 : 2 + label.length;
}

/** Writes the header at the start of `target`. */
export function writeLabel(target: Uint8Array, label: Uint8Array): void {
  if (label.length === 0) return;
  target[0] = messageType.hasLabel;
  target[1] = label.length;
  target.set(label, 2);
}

/**
 * Where the message starts, or -1 when the header is not complete yet. Throws a `Refusal` (`bad-label`) as soon
 * as the header cannot be ours any more.
 */
export function skipLabel(bytes: Uint8Array, label: Uint8Array): number {
  if (bytes.length === 0) return -1;
  const labelled = bytes[0] === messageType.hasLabel;
  if (labelled !== label.length > 0) throw new Refusal('bad-label');
  if (!labelled) return 0;
  const header = labelOverhead(label);
  for (let i = 1; i < Math.min(bytes.length, header); i++) {
    if (bytes[i] !== (i === 1 ? label.length : label[i - 2])) throw new Refusal('bad-label');
  }
  return bytes.length < header ? -1 : header;
}
