/**
 * Records as text. The same record goes to many listeners, so it becomes JSON once; the text lives as long as the record
 * is held by anybody.
 */
import type { StreamRecord } from '../../proto/schema/event.ts';

const known = new WeakMap<StreamRecord, string>();

/** Made once for all listeners of a record. */
export function jsonOf(record: StreamRecord): string {
  let text = known.get(record);
  if (text === undefined) {
    text = JSON.stringify(record);
    known.set(record, text);
  }
  return text;
}

/** One JSON object a line. */
export function asLines(records: readonly StreamRecord[]): string {
  return records.map((record) => `${jsonOf(record)}\n`).join('');
}

/** Server-sent events; `id:` is where to go on from. Events have no `event:` line, so `onmessage` hears them. */
export function asServerSent(records: readonly StreamRecord[]): string {
  return records.map(serverSent).join('');
}

function serverSent(record: StreamRecord): string {
  const data = `data: ${jsonOf(record)}\n\n`;
  if ('Offset' in record) return `id: ${record.Offset}\n${data}`;
  if ('Gap' in record) return `event: gap\nid: ${record.Gap.To}\n${data}`;
  if ('Position' in record) return `event: position\nid: ${record.Position}\n${data}`;
  return `event: error\n${data}`;
}
