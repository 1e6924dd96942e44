/** One record of the event log, or of what an agent heard by gossip, as a line for people. */
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import type { LocalEvent, LocalRecord } from '../../proto/schema/local-event.ts';
import { harmless } from './io.ts';

const outputCharactersMax = 120;

/** Without a newline. */
export function formatRecord(record: StreamRecord | LocalRecord): string {
  if ('Kind' in record) return formatEvent(record);
  if ('Gap' in record) {
    const { From, To, Reason } = record.Gap;
    if (To === 0) return `--- gap: ${harmless(Reason)} ---`;
    const which = From === To ? `event ${From}` : `events ${From} to ${To}`;
    return `--- gap: ${which} missing (${harmless(Reason)}) ---`;
  }
  if ('Position' in record) return `--- nothing of interest up to ${record.Position} ---`;
  return `--- error: ${harmless(record.Error.Message)} (${harmless(record.Error.Code)}) ---`;
}

function formatEvent(event: HealthEvent | LocalEvent): string {
  const where = [event.Node, event.Service, event.Check].filter((part) => part !== '').join('/');
  const parts = [
    ('Offset' in event ? String(event.Offset) : 'local').padStart(6),
    event.Time,
    event.Kind.padEnd(14),
    where,
    change(event),
    cause(event),
    shortened(event.Output),
    'Omitted' in event && event.Omitted > 0 ? `(${event.Omitted} changes before it left out)` : '',
  ];
  return harmless(parts.filter((part) => part !== '').join('  '));
}

function change({ From, To }: Pick<HealthEvent, 'From' | 'To'>): string {
  if (From === '' && To === '') return '';
  return `${From === '' ? '(new)' : From} → ${To === '' ? '(gone)' : To}`;
}

/** A check that ran is the usual case and needs no word. */
function cause({ Cause, Ref }: Pick<HealthEvent, 'Cause' | 'Ref'>): string {
  const words = [
    Cause === '' || Cause === 'check' ? '' : `by ${Cause}`,
    Ref === 0 ? '' : `to event ${Ref}`,
  ].filter((word) => word !== '');
  return words.length === 0 ? '' : `(${words.join(', ')})`;
}

function shortened(output: string): string {
  const line = output.trim().replaceAll(/\s*\n\s*/g, ' ⏎ ');
  return line.length > outputCharactersMax ? `${line.slice(0, outputCharactersMax - 1)}…` : line;
}
