/** Looks at when a file was written last: a backup, a heartbeat, a feed. */
import { formatDuration } from '../../proto/duration.ts';
import { messageOf } from '../../proto/errors.ts';
import type { HostFacts } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { withDeadline } from './deadline.ts';
import { type CheckKind, critical } from './kind.ts';
import { judged, metric } from './limits.ts';

export function fileAgeKind(facts: Pick<HostFacts, 'file'>, clock: Clock): CheckKind<SpecOf<'file_age'>> {
  return {
    async run({ path, warningMs, criticalMs }, { timeoutMs }) {
      try {
        const file = await withDeadline(clock, timeoutMs, facts.file(path));
        if (file === null)
          return critical(`File ${path}: the file system did not answer within ${timeoutMs} ms`);
        const ageMs = Math.max(0, clock.wallMs() - file.modifiedMs);
        const output = `File ${path}: written ${formatDuration(Math.round(ageMs / 1_000) * 1_000)} ago`;
        const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
        const limits = { warning: seconds(warningMs), critical: seconds(criticalMs) };
        return judged(ageMs / 1_000, limits, output, [metric('age', ageMs / 1_000, 's', limits)]);
      } catch (error) {
        return critical(`File ${path}: ${messageOf(error)}`);
      }
    },
  };
}
