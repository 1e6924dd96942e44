/** Asks systemd whether a unit is active. Critical is what it says of the unit; where it says nothing, that is a warning. */
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { textOf } from '../output.ts';
import type { Sandbox } from '../sandbox.ts';
import { type CheckKind, critical, passing, warning } from './kind.ts';

/** What systemctl says of a unit that does not run, or does not exist. */
const down = new Set(['inactive', 'failed', 'deactivating', 'maintenance', 'unknown']);

export function osServiceKind(sandbox: Sandbox): CheckKind<SpecOf<'os_service'>> {
  return {
    async run({ unit }, context) {
      const args = ['systemctl', 'is-active', '--', unit];
      const ran = await sandbox.run({ args, cwd: '/', env: { LC_ALL: 'C' } }, context);
      if (!ran.ok) return warning(`Service ${unit}: cannot be told without systemctl: ${ran.reason}`);
      const state = textOf(ran.result.output).trim();
      const output = `Service ${unit}: ${state || 'systemctl said nothing'}`;
      if (ran.result.exitCode === 0) return passing(output);
      return down.has(state) ? critical(output) : warning(output);
    },
  };
}
