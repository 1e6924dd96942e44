/** Looks at the load average, per processor. */
import type { HostFacts } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import type { CheckKind } from './kind.ts';
import { judged, metric } from './limits.ts';

const positions = { 1: 0, 5: 1, 15: 2 } as const;

export function loadKind(facts: Pick<HostFacts, 'load'>): CheckKind<SpecOf<'load'>> {
  return {
    async run({ minutes, warningPerCpu, criticalPerCpu }) {
      const { averages, cpus } = facts.load();
      const average = averages[positions[minutes]];
      const limits = { warning: warningPerCpu, critical: criticalPerCpu };
      const output = `Load: ${average.toFixed(2)} over ${minutes} min, ${(average / cpus).toFixed(2)} per processor (${cpus})`;
      return judged(average / cpus, limits, output, [metric(`load${minutes}`, average, '', limits)]);
    },
  };
}
