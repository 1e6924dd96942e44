import { expect, test } from 'vitest';
import {
  queryFlagAck,
  queryFlagNoBroadcast,
  responseFlagAck,
  type SerfMessage,
} from '../../../proto/gossip/messages.ts';
import { meaningOf, vectors } from './golden.ts';

function recorded(id: string): SerfMessage {
  return meaningOf(vectors.find((vector) => vector.id === id)!.decoded.messages[0]).serf!;
}

test('the flags are those of the golden packets', () => {
  expect(recorded('query-ack-wanted')).toMatchObject({ flags: queryFlagAck });
  expect(recorded('query-node-filter')).toMatchObject({ flags: 0 });
  expect(recorded('query-response-ack')).toMatchObject({ flags: responseFlagAck });
  expect(recorded('query-response')).toMatchObject({ flags: 0 });
  expect(queryFlagNoBroadcast & queryFlagAck).toBe(0);
});
