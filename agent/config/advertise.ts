/**
 * Which address the others are told. A bound address is told as it is; one that means "every address" gives way
 * to the one private IPv4 address of the host (or the one public IPv6 address for `::`), as in Consul. Where
 * there is none, or more than one, only a person can know.
 */
import { isIPv6 } from 'node:net';
import { isLoopback, isPrivateIPv4, isUnspecified } from '../../proto/address.ts';
import type { HostAddress } from './host-facts.ts';

export type Advertised =
  | { readonly ok: true; readonly host: string }
  | { readonly ok: false; readonly message: string };

export function chooseAdvertise(bindHost: string, addresses: readonly HostAddress[]): Advertised {
  if (!isUnspecified(bindHost)) return { ok: true, host: bindHost };
  const six = isIPv6(bindHost);
  const candidates = addresses.filter(({ address, loopback }) => {
    if (loopback || isLoopback(address)) return false;
    return six ? isGlobalIPv6(address) : isPrivateIPv4(address);
  });
  const kind = six ? 'public IPv6' : 'private IPv4';
  const advice = 'set advertise_addr (--advertise) or bind_addr (--bind)';
  if (candidates.length === 0) {
    return { ok: false, message: `this host has no ${kind} address to tell the others: ${advice}` };
  }
  if (candidates.length > 1) {
    const found = candidates.map((candidate) => `${candidate.address} (${candidate.interface})`).join(', ');
    return { ok: false, message: `this host has several ${kind} addresses, ${found}: ${advice}` };
  }
  return { ok: true, host: candidates[0]!.address };
}

/** Neither link-local nor unique-local (fc00::/7). */
function isGlobalIPv6(address: string): boolean {
  return isIPv6(address) && !/^f[cde]/i.test(address);
}
