/** What was heard, beside the log as it is in the end. */
import { isDeepStrictEqual } from 'node:util';
import { type HealthEvent, healthEvent } from '../../../proto/schema/event.ts';

/** Exactly these, in this order, each once. '' when that is so. */
export function compare(heard: readonly HealthEvent[], log: readonly HealthEvent[]): string {
  const at = log.findIndex((event, index) => !isDeepStrictEqual(event, heard[index]));
  if (at === -1) return heard.length === log.length ? '' : `${heard.length - log.length} more than there are`;
  return `instead of ${log[at]!.Offset} came ${heard[at]?.Offset ?? 'nothing'} (${heard.length} of ${log.length})`;
}

/** What is wrong with the log itself: records as the schema has them, dense offsets, times that never fall, and the chain of each check. */
export function faultsOf(log: readonly HealthEvent[]): string[] {
  const faults: string[] = [];
  const held = new Map<string, string>();
  for (const [index, event] of log.entries()) {
    const { Offset, Time, Kind, Node, Check, From, To, Life } = event;
    const { error } = healthEvent.safeParse(event);
    if (error !== undefined) faults.push(`event ${Offset}: ${error.message}`);
    if (Offset !== index + 1) faults.push(`offset ${Offset} in place ${index + 1}`);
    if (Time < (log[index - 1]?.Time ?? '')) faults.push(`event ${Offset} lies before the one before it`);
    if (!Kind.startsWith('check.') && !(Kind.startsWith('node.') && From !== To)) continue;
    const key = `${Node}/${Check}`;
    const before = held.get(key) ?? '';
    if (From !== before)
      faults.push(`event ${Offset}, ${Kind} of ${key}, life ${Life}: from ${From}, not ${before}`);
    held.set(key, To);
  }
  return faults;
}

/** Whoever reads with a name may hear something twice, but misses nothing. */
export function missedOf(
  heard: readonly HealthEvent[],
  log: readonly HealthEvent[],
  first: number,
): number[] {
  const offsets = new Set(heard.map(({ Offset }) => Offset));
  return log.map(({ Offset }) => Offset).filter((offset) => offset >= first && !offsets.has(offset));
}
