/**
 * Hosts and ports as people write them, and back. IPv6 is bare where it stands alone (`::1`) and in brackets
 * where a port follows (`[::1]:8301`); inside the program a host never has brackets.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { ExpectedError } from './errors.ts';
import type { Endpoint } from './ports.ts';

/** One label of a host name; underscores occur in the names of container networks. */
const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const hostBytesMax = 253;

/** True for an IP address or a name that could stand in DNS (a trailing dot is fine). */
export function isHost(host: string): boolean {
  if (isIP(host) !== 0) return true;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name === '' || name.length > hostBytesMax) return false;
  const labels = name.split('.');
  // `300.1.2.3` is no address, and nobody means it as a name.
  return labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1)!);
}

/**
 * Reads `host`, `host:port`, `[::1]:port`, `[::1]` or `::1`; without a port the default counts.
 * Throws BAD_REQUEST with what is wrong for anything else. A colon in front of the last part of a bare IPv6
 * address is never a port.
 */
export function parseAddress(text: string, defaultPort: number): Endpoint {
  const { host, port } = split(text.trim());
  if (host === '') throw bad(text, 'the host is missing');
  if (!isHost(host)) throw bad(text, `"${host}" is neither an IP address nor a host name`);
  if (port === null) return { host, port: defaultPort };
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw bad(text, `the port must be a number from 1 to 65535, not "${port}"`);
  }
  return { host, port: Number(port) };
}

function split(text: string): { host: string; port: string | null } {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end === -1) throw bad(text, 'the closing bracket is missing');
    const host = text.slice(1, end);
    if (!isIPv6(host)) throw bad(text, `"${host}" in brackets is no IPv6 address`);
    const rest = text.slice(end + 1);
    if (rest === '') return { host, port: null };
    if (!rest.startsWith(':')) throw bad(text, `"${rest}" after the bracket is no port`);
    return { host, port: rest.slice(1) };
  }
  if (isIPv6(text)) return { host: text, port: null };
  const colon = text.indexOf(':');
  if (colon === -1) return { host: text, port: null };
  if (colon !== text.lastIndexOf(':')) {
    throw bad(text, 'an IPv6 address with a port is written [ADDRESS]:PORT');
  }
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function bad(text: string, reason: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', `"${text}" is no HOST[:PORT]: ${reason}`);
}

/** `10.0.0.1:8301`, `[::1]:8301`. */
export function formatAddress(endpoint: Endpoint): string {
  return `${bracketed(endpoint.host)}:${endpoint.port}`;
}

/** The host as it stands in a URL: IPv6 in brackets, with the `%` of a zone escaped. */
export function urlHost(host: string): string {
  return bracketed(host).replace('%', '%25');
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** Means "every address of this host": fine to listen on, useless to tell others. */
export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host));
}

/** Reachable from this host only. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  if (isIPv4(host)) return host.startsWith('127.');
  return isIPv6(host) && /^[0:]+:0*1$/.test(host);
}

/** RFC 1918 and the carrier range of RFC 6598: what hosts of one site reach each other by. */
export function isPrivateIPv4(host: string): boolean {
  if (!isIPv4(host)) return false;
  const [a, b] = host.split('.').map(Number) as [number, number];
  return (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128)
  );
}
