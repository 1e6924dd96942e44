/** Asks systemd whether a unit is active. */
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { textOf } from '../output.ts';
import type { Sandbox } from '../sandbox.ts';
import { type CheckKind, critical, passing, warning } from './kind.ts';

/** On its way: not yet bad, not yet good. */
const onTheWay = new Set(['activating', 'reloading', 'refreshing']);

export function osServiceKind(sandbox: Sandbox): CheckKind<SpecOf<'os_service'>> {
  return {
    async run({ unit }, context) {
      const args = ['systemctl', 'is-active', '--', unit];
      const ran = await sandbox.run({ args, cwd: '/', env: { LC_ALL: 'C' } }, context);
      if (!ran.ok) return critical(`os_service checks need systemctl: ${ran.reason}`);
      const state = textOf(ran.result.output).trim();
      const output = `Service ${unit}: ${state || 'systemctl said nothing'}`;
      if (ran.result.exitCode === 0) return passing(output);
      return onTheWay.has(state) ? warning(output) : critical(output);
    },
  };
}
