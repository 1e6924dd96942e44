/** What a configuration takes from the host it is read on. A parameter, so that tests can be any host. */
import { hostname, networkInterfaces } from 'node:os';

export interface HostAddress {
  readonly interface: string;
  /** Bare; link-local IPv6 is left out, since it means nothing without a zone. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly loopback: boolean;
}

export interface HostFacts {
  readonly hostname: string;
  /** Folder that relative paths start from. */
  readonly folder: string;
  readonly addresses: readonly HostAddress[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function thisHost(): HostFacts {
  const addresses: HostAddress[] = [];
  for (const [name, list] of Object.entries(networkInterfaces())) {
    for (const { address, family, internal } of list ?? []) {
      if (address.toLowerCase().startsWith('fe80:')) continue;
      addresses.push({ interface: name, address, family: family === 'IPv4' ? 4 : 6, loopback: internal });
    }
  }
  return { hostname: hostname(), folder: process.cwd(), addresses, env: process.env };
}
