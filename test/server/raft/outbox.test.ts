/** The table of raft.md 3.1: what must be on disk before what leaves. */
import { expect, test } from 'vitest';
import { Outbox, waitsForDisk } from '../../../server/raft/outbox.ts';
import { message } from './harness.ts';

test.each([
  ['a vote', message('voteAnswer', { granted: true, pre: false }), true],
  ['a refused vote', message('voteAnswer', { granted: false, pre: false }), false],
  ['a pre-vote', message('voteAnswer', { granted: true, pre: true }), false],
  ['the request for votes', message('vote', { pre: false }), true],
  ['the request for pre-votes', message('vote', { pre: true }), false],
  ['an acknowledgement', message('appendAnswer', { rejected: false }), true],
  ['a refused append', message('appendAnswer', { rejected: true }), false],
  ["a leader's append", message('append', {}), false],
  ["a leader's heartbeat", message('heartbeat', {}), false],
  ['the answer to a heartbeat', message('heartbeatAnswer', {}), false],
  ['a snapshot offer', message('snapshot', {}), false],
  ['the order to campaign', message('timeoutNow', {}), false],
  ['a read index', message('readAnswer', {}), false],
])('%s waits for the write: %#', (_, each, waits) => {
  expect(waitsForDisk(each, true)).toBe(waits);
});

test.each(['voteAnswer', 'appendAnswer', 'heartbeatAnswer', 'vote', 'read'] as const)(
  'a %s never names a term that is not on disk yet',
  (type) => {
    expect(waitsForDisk(message(type, { pre: true, rejected: true }), false)).toBe(true);
  },
);

test('each message is taken once, in order', () => {
  const outbox = new Outbox();
  const heartbeat = message('heartbeat', {});
  const vote = message('voteAnswer', { granted: true });
  const append = message('append', {});
  for (const each of [heartbeat, vote, append]) outbox.put(each, true);
  expect(outbox.isEmpty).toBe(false);
  expect(outbox.take()).toEqual({ messages: [heartbeat, append], messagesAfterWrite: [vote] });
  expect(outbox.isEmpty).toBe(true);
  expect(outbox.take()).toEqual({ messages: [], messagesAfterWrite: [] });
});
