/** Rolling hashes of a log: equal chains mean equal logs up to there, but for one case in four thousand million. */
import type { Entry } from '../../../proto/raft.ts';

/** Chain of the empty log. */
export const noChain = 0x811c9dc5;

export function mixBytes(hash: number, bytes: Uint8Array): number {
  let mixed = hash;
  for (let i = 0; i < bytes.length; i++) mixed = Math.imul(mixed ^ bytes[i]!, 0x01000193);
  return mixed;
}

export function mixText(hash: number, text: string): number {
  let mixed = hash;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixed;
}

export function chainOn(before: number, entry: Entry): number {
  const head = Math.imul(Math.imul(before ^ entry.index, 0x01000193) ^ entry.term, 0x01000193);
  return mixBytes(mixText(head, entry.kind), entry.data);
}
