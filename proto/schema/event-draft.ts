/** An event from the fields that apply, for whoever writes one: it needs no schema to be right. */
import type { EventDraft } from './event.ts';

const emptyDraft: EventDraft = {
  ObservedAt: '',
  Kind: 'check.changed',
  Node: '',
  Service: '',
  Check: '',
  From: '',
  To: '',
  Output: '',
  Cause: '',
  Evidence: null,
  Ref: 0,
  Life: 0,
  Revision: 0,
};

/** A complete draft from the fields that apply. */
export function draftEvent(fields: Partial<EventDraft> & Pick<EventDraft, 'Kind'>): EventDraft {
  return { ...emptyDraft, ...fields };
}
