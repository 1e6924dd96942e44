/** Where a reader of the event log stands. */
import type { StreamRecord } from './schema/event.ts';

/** Where to go on after this record; null while that is not known. */
export function positionOf<Before extends number | null>(
  record: StreamRecord,
  before: Before,
): number | Before {
  if ('Offset' in record) return record.Offset;
  if ('Position' in record) return Math.max(before ?? 0, record.Position);
  if ('Gap' in record) return Math.max(before ?? 0, record.Gap.To);
  return before;
}
