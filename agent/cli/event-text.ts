/** One record of the event log as a line for people. */
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { harmless } from './io.ts';

const outputCharactersMax = 120;

/** Without a newline. */
export function formatRecord(record: StreamRecord): string {
  if ('Offset' in record) return formatEvent(record);
  if ('Gap' in record) {
    const { From, To, Reason } = record.Gap;
    const which = From === To ? `event ${From}` : `events ${From} to ${To}`;
    return `--- gap: ${which} missing (${harmless(Reason)}) ---`;
  }
  if ('Position' in record) return `--- nothing of interest up to ${record.Position} ---`;
  return `--- error: ${harmless(record.Error.Message)} (${harmless(record.Error.Code)}) ---`;
}

function formatEvent(event: HealthEvent): string {
  const where = [event.Node, event.Service, event.Check].filter((part) => part !== '').join('/');
  const parts = [
    String(event.Offset).padStart(6),
    event.Time,
    event.Kind.padEnd(14),
    where,
    change(event),
    cause(event),
    shortened(event.Output),
  ];
  return harmless(parts.filter((part) => part !== '').join('  '));
}

function change({ From, To }: HealthEvent): string {
  if (From === '' && To === '') return '';
  return `${From === '' ? '(new)' : From} → ${To === '' ? '(gone)' : To}`;
}

/** A check that ran is the usual case and needs no word. */
function cause({ Cause, Ref }: HealthEvent): string {
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
