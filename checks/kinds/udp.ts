/** Sends a datagram: an answer or silence is passing, a refusal critical, as Consul has it. */
import { formatAddress } from '../../proto/address.ts';
import type { Dialer } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, passing } from './kind.ts';
import { networkOutcome } from './network-text.ts';

export function udpKind(dialer: Dialer): CheckKind<SpecOf<'udp'>> {
  return {
    async run({ target }, { timeoutMs, signal }) {
      try {
        const answered = await dialer.udp({ target, timeoutMs, signal });
        return passing(`UDP connect ${formatAddress(target)}: ${answered ? 'Success' : 'no refusal'}`);
      } catch (error) {
        return networkOutcome(error);
      }
    },
  };
}
