/** Sends one ping, through the host's `ping`: raw sockets need rights that the agent should not have. */
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { textOf } from '../output.ts';
import type { Sandbox } from '../sandbox.ts';
import { type CheckKind, critical, passing, warning } from './kind.ts';

/** `ping` gets a little less than the run, so that its own words are heard. */
const marginMs = 500;

export function icmpKind(sandbox: Sandbox): CheckKind<SpecOf<'icmp'>> {
  return {
    async run({ host, warningMs, criticalMs }, context) {
      const seconds = Math.max(1, Math.floor((context.timeoutMs - marginMs) / 1_000));
      const args = ['ping', '-n', '-c', '1', '-W', String(seconds), host];
      const ran = await sandbox.run({ args, cwd: '/', env: { LC_ALL: 'C' } }, context);
      if (!ran.ok) return critical(`icmp checks need the host's ping program: ${ran.reason}`);
      const said = textOf(ran.result.output);
      const roundTrip = /time[=<]([\d.]+) ?ms/.exec(said)?.[1];
      if (ran.result.exitCode !== 0 || roundTrip === undefined) {
        return critical(`ICMP ${host}: no answer\n${said}`);
      }
      const milliseconds = Number(roundTrip);
      const output = `ICMP ${host}: answered after ${roundTrip} ms`;
      const metrics = [
        {
          name: 'rtt',
          value: milliseconds,
          unit: 'ms',
          warning: String(warningMs ?? ''),
          critical: String(criticalMs ?? ''),
          min: 0,
          max: null,
        },
      ];
      if (criticalMs !== null && milliseconds >= criticalMs) return critical(output, { metrics });
      if (warningMs !== null && milliseconds >= warningMs) return warning(output, { metrics });
      return passing(output, { metrics });
    },
  };
}
