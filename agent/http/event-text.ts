/**
 * Records as text. The same record goes to many listeners, so it becomes JSON once; the text lives as long as the record
 * is held by anybody.
 */
import type { StreamRecord } from '../../proto/schema/event.ts';
import type { LocalRecord } from '../../proto/schema/local-event.ts';

const known = new WeakMap<StreamRecord | LocalRecord, string>();

/** Made once for all listeners of a record. */
export function jsonOf(record: StreamRecord | LocalRecord): string {
  let text = known.get(record);
  if (text === undefined) {
    text = JSON.stringify(record);
    known.set(record, text);
  }
  return text;
}

export type TextForm = 'lines' | 'server-sent';

export function textOf(record: StreamRecord | LocalRecord, form: TextForm): string {
  return form === 'lines' ? `${jsonOf(record)}\n` : serverSent(record);
}

/** Server-sent events; `id:` is where to go on from. Events have no `event:` line, so `onmessage` hears them. */
function serverSent(record: StreamRecord | LocalRecord): string {
  const data = `data: ${jsonOf(record)}\n\n`;
  if ('Offset' in record) return `id: ${record.Offset}\n${data}`;
  if ('Gap' in record) return `event: gap\nid: ${record.Gap.To}\n${data}`;
  if ('Position' in record) return `event: position\nid: ${record.Position}\n${data}`;
  return 'Error' in record ? `event: error\n${data}` : data;
}

/** Records that leave together. Whoever wants all of them gets the same bytes. */
export class EventBatch {
  readonly records: readonly StreamRecord[];
  readonly #bytes = new Map<TextForm, Buffer>();

  constructor(records: readonly StreamRecord[]) {
    this.records = records;
  }

  bytes(form: TextForm): Buffer {
    let bytes = this.#bytes.get(form);
    if (bytes === undefined) {
      bytes = Buffer.from(this.records.map((record) => textOf(record, form)).join(''));
      this.#bytes.set(form, bytes);
    }
    return bytes;
  }
}
