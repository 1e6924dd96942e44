/** Local events from an agent: what it heard by gossip. There is no number to go on from, so a lost connection loses some. */
import type { LocalEvent, LocalRecord } from '../../proto/schema/local-event.ts';
import type { Api, Query } from './api.ts';
import { type FollowStreamOptions, followStream } from './follow-stream.ts';

/** Oldest first, at most the newest `last`. */
export function readLocal(api: Api, filter: Query, last: number): Promise<readonly LocalEvent[]> {
  return api.json<LocalEvent[]>('/v1/events/local', { ...filter, limit: String(last) });
}

export function followLocal(
  api: Api,
  filter: Query,
  options: FollowStreamOptions,
): AsyncGenerator<LocalRecord> {
  const request = () => ({
    path: '/v1/events/local/stream',
    query: filter,
    resumed: 'connected again; what was heard in between is missing',
  });
  return followStream<LocalRecord>(api, request, options);
}
