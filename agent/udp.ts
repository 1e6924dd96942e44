/** UDP sockets of both families, for addresses that are never names. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';

/** Made for a socket that will be bound to this host; not bound yet. */
export function udpSocketFor(localHost: string): Socket {
  const family = isIPv6(localHost) || localHost.includes('%') ? 6 : 4;
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Addresses are never names here, so nothing needs to be looked up.
    lookup: (host, _options, callback) => callback(null, host, family),
  });
}

/** The address as a socket bound to `localHost` takes it; undefined when it belongs to the other family. */
export function reachableFrom(localHost: string, host: string): string | undefined {
  if (isIPv4(host) === isIPv4(localHost)) return host;
  return localHost === '::' && isIPv4(host) ? `::ffff:${host}` : undefined;
}
