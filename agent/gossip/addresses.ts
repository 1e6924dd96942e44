/** IP addresses as gossip carries them (4 or 16 bytes) and as sockets print them. */
import { isIPv4, isIPv6 } from 'node:net';
import { assert } from '../../proto/assert.ts';

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Textual address, IPv4 for the mapped form of one; undefined for bytes that are no address. */
export function hostOf(addr: Uint8Array): string | undefined {
  if (addr.length === 4) return addr.join('.');
  if (addr.length !== 16) return undefined;
  if (mappedPrefix.every((byte, index) => addr[index] === byte)) return addr.subarray(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((addr[i]! << 8) | addr[i + 1]!);
  return compress(groups);
}

/** Bytes of a textual address: 4 for IPv4, also where a dual-stack socket prints it as `::ffff:10.0.0.1`. */
export function addressOf(host: string): Uint8Array {
  const plain = plainHost(host);
  if (isIPv4(plain)) return Uint8Array.from(plain.split('.'), Number);
  assert(isIPv6(plain), `${host} is no IP address`);
  const bare = plain.split('%')[0]!;
  const [head = '', tail] = bare.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  const bytes = new Uint8Array(16);
  groups.forEach((group, index) => {
    bytes[2 * index] = group >> 8;
    bytes[2 * index + 1] = group & 0xff;
  });
  return bytes;
}

/** What a dual-stack socket prints, as everybody else writes it. */
export function plainHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** RFC 5952: lower case, no leading zeros, `::` for the longest run of two zeros or more, the first of equals. */
function compress(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  const print = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (start === -1) return print(groups);
  return `${print(groups.slice(0, start))}::${print(groups.slice(start + length))}`;
}
