/** What a listener asks for, the same for every form of listening: where to begin, which log, which events. */
import { ExpectedError } from '../../proto/errors.ts';
import { compileEventFilter } from '../../proto/event-filter.ts';
import type { CursorName, EventFilter } from '../../proto/rpc.ts';
import { isCursorName, isCursorShare } from '../../proto/schema/cursor-name.ts';
import type { FeedRequest } from '../event-feed.ts';
import type { Call } from './call.ts';

/**
 * `after=N`, `log=ID`, and any number of `kind`, `node`, `service`, `check`, `status`, `tag` and one `filter`. A listener
 * that comes back says where it was with `Last-Event-ID`, which counts more than the address that it was given first.
 * Throws BAD_REQUEST for what cannot be read.
 */
export function eventRequest(call: Call): FeedRequest {
  const lastId = call.header('last-event-id');
  const after =
    lastId !== ''
      ? offset(lastId, 'Last-Event-ID')
      : call.has('after')
        ? offset(call.get('after'), 'after')
        : null;
  const filter: EventFilter = {
    kinds: call.all('kind'),
    nodes: call.all('node'),
    services: call.all('service'),
    checks: call.all('check'),
    statuses: call.all('status'),
    tags: call.all('tag'),
    expression: call.get('filter'),
  };
  // The server compiles it again; here it is read once so that a mistake is answered before anything is sent.
  compileEventFilter(filter, () => undefined);
  return { after, logId: call.get('log'), filter, cursor: cursorIn(call) };
}

/** `cursor=NAME[&share=i/n]` */
function cursorIn(call: Call): CursorName | undefined {
  if (!call.has('cursor')) return undefined;
  return readCursorName(call.get('cursor'), call.get('share'));
}

/** Throws BAD_REQUEST for what can be no name, or no share of one. */
export function readCursorName(name: string, share: string): CursorName {
  if (!isCursorName(name)) {
    throw new ExpectedError('BAD_REQUEST', 'Invalid cursor: a name has 1 to 128 characters');
  }
  if (isCursorShare(share)) return { name, share };
  throw new ExpectedError('BAD_REQUEST', 'Invalid share: i/n is wanted, with i from 1 to n');
}

function offset(text: string, name: string): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
  const shown = JSON.stringify(text.slice(0, 40));
  throw new ExpectedError(
    'BAD_REQUEST',
    `Invalid ${name}: ${shown} is no offset (a whole number, 0 or more)`,
  );
}

/** Another log than the one that the listener knows: its offset means nothing here. */
export function refuseForeignLog(request: FeedRequest, logId: string, firstOffset: number): void {
  if (request.logId === '' || request.logId === logId) return;
  throw new ExpectedError(
    'OFFSET_TRIMMED',
    `this is log ${logId}, not ${request.logId}: its first offset kept is ${firstOffset}`,
    { data: { first: firstOffset } },
  );
}
