/** Looks at the memory of the host: what cannot be had without swapping counts as used. */
import type { HostFacts } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import type { CheckKind } from './kind.ts';
import { judged, metric, sizeText } from './limits.ts';

export function memoryKind(facts: Pick<HostFacts, 'memory'>): CheckKind<SpecOf<'memory'>> {
  return {
    async run({ warningPercent, criticalPercent }) {
      const { totalBytes, availableBytes } = await facts.memory();
      const percent = ((totalBytes - availableBytes) / totalBytes) * 100;
      const limits = { warning: warningPercent, critical: criticalPercent };
      const output = `Memory: ${percent.toFixed(1)} % of ${sizeText(totalBytes)} used, ${sizeText(availableBytes)} available`;
      return judged(percent, limits, output, [metric('used', percent, '%', limits)]);
    },
  };
}
