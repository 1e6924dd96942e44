/** How the records of a journal follow one another. */
import type { JournalRecord } from './journal.ts';

/** The number that has to be applied before this record: the last one, or the last before what was dropped. */
export function revisionBefore(record: JournalRecord): number {
  return record.kind === 'lost' ? record.revision - record.count : record.revision - 1;
}
