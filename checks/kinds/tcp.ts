/** Connects: passing when the connection (and the TLS handshake, if wanted) is made. */
import { formatAddress } from '../../proto/address.ts';
import type { Dialer } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, passing } from './kind.ts';
import { networkOutcome } from './network-text.ts';

export function tcpKind(dialer: Dialer): CheckKind<SpecOf<'tcp'>> {
  return {
    async run({ target, tls }, { timeoutMs, signal }) {
      try {
        await dialer.tcp({ target, tls, timeoutMs, signal });
        return passing(`TCP connect ${formatAddress(target)}: Success`);
      } catch (error) {
        return networkOutcome(error);
      }
    },
  };
}
