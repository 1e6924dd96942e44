/** Measured values against their limits, and their place among the metrics. */
import type { Metric } from '../perfdata.ts';
import { critical, type Outcome, passing, warning } from './kind.ts';

/** Bad from the limit on; null: no such limit. */
export interface Limits {
  readonly warning: number | null;
  readonly critical: number | null;
}

export function judged(
  value: number,
  limits: Limits,
  output: string,
  metrics: readonly Metric[] = [],
): Outcome {
  if (limits.critical !== null && value >= limits.critical) return critical(output, { metrics });
  if (limits.warning !== null && value >= limits.warning) return warning(output, { metrics });
  return passing(output, { metrics });
}

export function metric(name: string, value: number, unit: string, limits: Limits): Metric {
  return {
    name,
    value,
    unit,
    warning: String(limits.warning ?? ''),
    critical: String(limits.critical ?? ''),
    min: null,
    max: null,
  };
}

/** `1.5 GiB` */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024;
    unit++;
  }
  return `${size.toFixed(unit === 0 || size >= 100 ? 0 : 1)} ${units[unit]}`;
}
