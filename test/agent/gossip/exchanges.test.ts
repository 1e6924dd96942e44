import { expect, test } from 'vitest';
import type { Answer } from '../../../agent/gossip/exchanges.ts';
import { Intruders } from '../../../agent/gossip/intruders.ts';
import type { Ping } from '../../../proto/gossip/messages.ts';
import { encodeStream } from '../../../proto/gossip/stream.ts';
import { stage } from './stage.ts';

const nothing = new Uint8Array(0);
const ping: Ping = {
  type: 'ping',
  seqNo: 5,
  node: 'peer',
  sourceAddr: nothing,
  sourcePort: 0,
  sourceNode: '',
};
const plain = { sender: 'client' as const, label: nothing, compress: false, seal: null };
const from = { host: '10.0.0.7', port: 40_000 };

test('a question is answered once, however the answer is torn', () => {
  const { asked, meet, parts } = stage();
  const answers: Answer[] = [];
  parts.exchanges.ask(meet('peer').endpoint, ping, 900, (answer) => answers.push(answer));
  expect(asked[0]).toMatchObject({ to: 'peer', question: { type: 'ping', seqNo: 5 }, timeoutMs: 900 });
  const bytes = encodeStream({ type: 'ackResp', seqNo: 5, payload: null }, { ...plain, sender: 'server' });
  for (const byte of bytes) asked[0]?.reader?.receive(Uint8Array.of(byte));
  expect(answers).toMatchObject([{ message: { type: 'ackResp', seqNo: 5 } }]);
});

test('whoever asks may learn that the connection was taken', () => {
  const { asked, meet, parts } = stage();
  const heard: string[] = [];
  const { endpoint } = meet('peer');
  parts.exchanges.ask(
    endpoint,
    ping,
    900,
    () => heard.push('answer'),
    () => heard.push('open'),
  );
  asked[0]?.reader?.open?.();
  asked[0]?.reader?.fail('timeout');
  expect(heard).toEqual(['open', 'answer']);
});

test.each([
  ['refused', 'connection refused: nobody listens there'],
  ['timeout', 'no answer in time'],
  ['closed', 'it closed the connection without an answer'],
] as const)('a stream that ends with %s says so in words', (failure, detail) => {
  const { asked, meet, parts } = stage();
  const answers: Answer[] = [];
  parts.exchanges.ask(meet('peer').endpoint, ping, 900, (answer) => answers.push(answer));
  asked[0]?.reader?.fail(failure);
  expect(answers).toEqual([{ failure, detail }]);
});

test('an answer that makes no sense, and one that says no, are told apart', () => {
  const { asked, meet, parts } = stage();
  const answers: Answer[] = [];
  const peer = meet('peer').endpoint;
  parts.exchanges.ask(peer, ping, 900, (answer) => answers.push(answer));
  asked[0]?.reader?.receive(Uint8Array.of(99, 1, 2, 3));
  parts.exchanges.ask(peer, ping, 900, (answer) => answers.push(answer));
  asked[1]?.answer({ type: 'err', error: 'no key' });
  expect(answers).toEqual([
    { failure: 'garbled', detail: 'its answer makes no sense (unknown-type)' },
    { failure: 'rejected', detail: 'it answered: no key' },
  ]);
  expect(parts.counters.get('refused_unknown-type')).toBe(1);
});

test('an answer under other keys than ours says what to do', () => {
  const key = new Uint8Array(32).fill(1);
  const answer = { type: 'ackResp' as const, seqNo: 5, payload: null };
  const open = encodeStream(answer, { ...plain, sender: 'server' });
  const closed = encodeStream(answer, {
    ...plain,
    sender: 'server',
    seal: { key, nonce: new Uint8Array(12) },
  });
  const detail = (keys: Uint8Array[], bytes: Uint8Array): string | undefined => {
    const { asked, meet, parts } = stage({ keys });
    const answers: Answer[] = [];
    parts.exchanges.ask(meet('peer').endpoint, ping, 900, (told) => answers.push(told));
    asked[0]?.reader?.receive(bytes);
    return answers[0]?.failure === 'garbled' ? answers[0].detail : undefined;
  };
  expect(detail([], closed)).toBe('it encrypts its gossip and this agent has no key: set encrypt as there');
  expect(detail([new Uint8Array(32)], closed)).toBe(
    'it uses another gossip key: set encrypt to the same key on both',
  );
  expect(detail([key], open)).toBe(
    'it does not encrypt its gossip and this agent does: set encrypt there as here',
  );
});

test('the server answers one message and is done', () => {
  const { parts } = stage();
  const reader = parts.exchanges.accept(from, (message) =>
    message.type === 'ping' ? { type: 'ackResp', seqNo: message.seqNo, payload: null } : null,
  );
  const bytes = encodeStream(ping, plain);
  expect(reader.receive(bytes.subarray(0, 4))).toEqual({ done: false });
  expect(reader.receive(bytes.subarray(4))).toMatchObject({ done: true });
});

test('somebody without our key is answered, sealed, and noted', () => {
  const { parts } = stage({ keys: [new Uint8Array(16).fill(1)] });
  const reader = parts.exchanges.accept(from, () => null);
  const step = reader.receive(encodeStream(ping, plain));
  expect(step.done && step.reply?.[0]).toBe(10);
  expect(parts.counters.get('refused_not-encrypted')).toBe(1);
});

test('a stream that ends in the middle is noted, one without a word is not', () => {
  const { parts } = stage();
  parts.exchanges.accept(from, () => null).fail('closed');
  const reader = parts.exchanges.accept(from, () => null);
  reader.receive(encodeStream(ping, plain).subarray(0, 5));
  reader.fail('closed');
  expect(parts.counters.get('refused_truncated')).toBe(1);
  expect(parts.intruders).toBeInstanceOf(Intruders);
});
