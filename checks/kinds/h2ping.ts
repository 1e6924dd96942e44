/** Sends a PING of HTTP/2: passing when it is answered. */
import { formatAddress } from '../../proto/address.ts';
import type { Http2Client } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, passing } from './kind.ts';
import { networkOutcome } from './network-text.ts';

export function h2pingKind(http2: Http2Client): CheckKind<SpecOf<'h2ping'>> {
  return {
    async run({ target, tls }, { timeoutMs, signal }) {
      try {
        const roundTripMs = await http2.ping({ target, tls, timeoutMs, signal });
        return passing(`HTTP2 ping of ${formatAddress(target)} was successful`, { details: { roundTripMs } });
      } catch (error) {
        return networkOutcome(error, (message) => `Failed to send HTTP2 ping: ${message}`);
      }
    },
  };
}
