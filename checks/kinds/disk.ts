/** Looks at the room of a file system: bytes and inodes, whichever is shorter. */
import { messageOf } from '../../proto/errors.ts';
import type { HostFacts } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { withDeadline } from './deadline.ts';
import { type CheckKind, critical } from './kind.ts';
import { judged, metric, sizeText } from './limits.ts';

export function diskKind(facts: Pick<HostFacts, 'disk'>, clock: Clock): CheckKind<SpecOf<'disk'>> {
  return {
    async run({ path, warningPercent, criticalPercent }, { timeoutMs }) {
      try {
        const disk = await withDeadline(clock, timeoutMs, facts.disk(path));
        if (disk === null)
          return critical(`Disk ${path}: the file system did not answer within ${timeoutMs} ms`);
        const bytes = usedPercent(disk.totalBytes, disk.freeBytes);
        const inodes = usedPercent(disk.totalInodes, disk.freeInodes);
        const limits = { warning: warningPercent, critical: criticalPercent };
        const output =
          `Disk ${path}: ${bytes.toFixed(1)} % of ${sizeText(disk.totalBytes)} used, ${sizeText(disk.freeBytes)} free` +
          (disk.totalInodes === 0 ? '' : `, ${inodes.toFixed(1)} % of the inodes used`);
        const metrics = [metric('used', bytes, '%', limits), metric('inodes', inodes, '%', limits)];
        return judged(Math.max(bytes, inodes), limits, output, metrics);
      } catch (error) {
        return critical(`Disk ${path}: ${messageOf(error)}`);
      }
    },
  };
}

function usedPercent(total: number, free: number): number {
  return total === 0 ? 0 : ((total - free) / total) * 100;
}
