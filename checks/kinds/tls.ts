/** Looks at a certificate: whether it is trusted, and how many days it is good for. */
import { formatAddress } from '../../proto/address.ts';
import type { Dialer } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, critical, passing, warning } from './kind.ts';
import { networkOutcome } from './network-text.ts';

const dayMs = 86_400_000;

export function tlsKind(dialer: Dialer, clock: Pick<Clock, 'wallMs'>): CheckKind<SpecOf<'tls'>> {
  return {
    async run({ target, tls, warningDays, criticalDays }, { timeoutMs, signal }) {
      const where = `TLS ${formatAddress(target)}`;
      try {
        const { certificate } = await dialer.tcp({ target, tls, timeoutMs, signal });
        if (certificate === null) return critical(`${where}: no certificate was presented`);
        const days = (certificate.validToMs - clock.wallMs()) / dayMs;
        const until = new Date(certificate.validToMs).toISOString().slice(0, 10);
        const output = `${where}: the certificate of ${certificate.subject} is good for ${Math.floor(days)} more days, until ${until}`;
        const metrics = [
          {
            name: 'days',
            value: days,
            unit: 'd',
            warning: `${warningDays}:`,
            critical: `${criticalDays}:`,
            min: null,
            max: null,
          },
        ];
        if (days <= criticalDays) return critical(output, { metrics });
        return days <= warningDays ? warning(output, { metrics }) : passing(output, { metrics });
      } catch (error) {
        return networkOutcome(error, (message) => `${where}: ${message}`);
      }
    },
  };
}
