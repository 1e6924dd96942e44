/**
 * Constructed packets that stock agents took, dropped, or died of. We take what they take and survive the
 * rest; where we differ on purpose, the table says why.
 */
import { expect, test } from 'vitest';
import { decodePacket, type Opening } from '../../../proto/gossip/envelope.ts';
import { noLabel } from '../../../proto/gossip/label.ts';
import { decodeSerf } from '../../../proto/gossip/serf.ts';
import { StreamDecoder } from '../../../proto/gossip/stream.ts';
import { fromHex, type Probe, probes } from './golden.ts';

/** What becomes of each probe: how many messages, and what is refused. */
const expected: Record<string, string> = {
  'probe-ping-minimal': '1 ping',
  'probe-ping-no-node': '1 ping',
  'probe-ping-unknown-fields': '1 ping',
  'probe-ping-unsorted-keys': '1 ping',
  'probe-ping-str8-keys': '1 ping',
  'probe-ping-str8-value': '1 ping',
  // Nobody writes a struct as an array; stock agents would take it.
  'probe-ping-array-form': 'bad-type',
  'probe-ping-seqno-uint64': '1 ping',
  'probe-ping-seqno-int32': '1 ping',
  'probe-ping-trailing-bytes': '1 ping',
  'probe-ping-source-bin8': '1 ping',
  'probe-ping-crc': '1 ping',
  'probe-ping-compressed-clear': '1 ping',
  'probe-ping-compressed-no-clear': '1 ping',
  'probe-ping-compressed-bin8': '1 ping',
  'probe-ping-crc-compressed': '1 ping',
  'probe-compound-in-compound': '1 ping',
  'probe-compress-in-compound': '1 ping',
  'probe-compress-in-compress': '1 ping',
  'probe-compound-truncated': '1 ping, truncated',
  'probe-compound-127': '127 ping',
  'probe-enc-v0-ping': '1 ping',
  'probe-enc-v1-ping-aes192': '1 ping',
  'probe-enc-v1-ping-aes256': '1 ping',
  // For the core to leave unanswered: it knows its own name.
  'probe-ping-wrong-node': '1 ping',
  'probe-ping-node-bin8': 'bad-type',
  'probe-ping-seqno-float': 'bad-type',
  'probe-ping-lowercase-keys': '1 ping',
  'probe-ping-crc-bad': 'bad-crc',
  'probe-crc-in-compound': 'unknown-type',
  'probe-label-on-unlabelled': 'bad-label',
  'probe-compound-empty': '',
  'probe-user-empty': 'empty',
  // For the core to ignore: it knows what versions mean.
  'probe-alive-vsn-pmin-0': '1 alive',
  'probe-plain-ping-to-encrypted': 'not-encrypted',
  // Well-formed; old stock agents split it at the wrong place, newer ones send it.
  'probe-compound-130': '130 ping',
  'probe-compound-empty-part': 'empty',
  'probe-crc-without-body': 'empty',
  'probe-compress-of-nothing': 'empty',
  'probe-alive-vsn-3-bytes': 'bad-vsn',
  'probe-query-empty-filter': 'bad-query',
  'probe-install-key-nil-payload': 'bad-query',
  'probe-tcp-ping': '1 ping',
  'probe-tcp-ping-compressed': '1 ping',
  'probe-tcp-join': '1 pushPull',
  'probe-tcp-join-modern': '1 pushPull',
  'probe-tcp-join-vsn-array': '1 pushPull',
  'probe-tcp-join-no-user-state': '1 pushPull',
  'probe-tcp-join-unknown-fields': '1 pushPull',
  'probe-tcp-join-compressed': '1 pushPull',
  'probe-tcp-join-enc-v0': '1 pushPull',
  'probe-tcp-join-enc-v1': '1 pushPull',
  'probe-tcp-user-message': '1 user',
  // For the core to refuse: a record without versions fails the version check.
  'probe-tcp-join-no-vsn': '1 pushPull',
  'probe-tcp-join-name-bin8': 'bad-type',
  'probe-tcp-unknown-type': 'unknown-type',
  'probe-tcp-plain-to-encrypted': 'not-encrypted',
  'probe-tcp-encrypted-to-plain': 'no-keys',
  'probe-tcp-join-vsn-3-bytes': 'bad-vsn',
  'probe-tcp-join-negative-nodes': 'out-of-range',
};

test('there is a verdict about each of the 60', () => {
  expect(probes.length).toBe(60);
  expect(Object.keys(expected).sort()).toEqual(probes.map((probe) => probe.id).sort());
});

test.each(probes)('$id ($stock_outcome)', (probe) => {
  expect(outcomeOf(probe)).toBe(expected[probe.id]);
});

test('nothing that kills a stock agent comes through', () => {
  const deadly = probes.filter((probe) => probe.stock_outcome === 'panic');
  expect(deadly.length).toBeGreaterThan(0);
  for (const probe of deadly) expect(outcomeOf(probe)).not.toMatch(/^\d/);
});

function outcomeOf(probe: Probe): string {
  const keys = probe.agent_key_hex ? [fromHex(probe.agent_key_hex)] : [];
  const opening: Opening = { label: noLabel, keys, acceptPlain: false };
  const bytes = fromHex(probe.hex);
  return probe.transport === 'udp' ? ofPacket(bytes, opening) : ofStream(bytes, opening);
}

function ofPacket(bytes: Uint8Array, opening: Opening): string {
  const { messages, refusals } = decodePacket(bytes, opening);
  const inner = messages.map((message) =>
    message.type === 'user' ? (decodeSerf(message.payload).refused ?? message.type) : message.type,
  );
  const kinds = [...new Set(inner)].map((kind) =>
    kind.startsWith('bad') ? kind : `${inner.filter((other) => other === kind).length} ${kind}`,
  );
  return [...kinds, ...refusals].join(', ');
}

function ofStream(bytes: Uint8Array, opening: Opening): string {
  const progress = new StreamDecoder('client', opening).push(bytes);
  if (progress.state === 'complete') return `1 ${progress.message.type}`;
  return progress.state === 'refused' ? progress.reason : 'incomplete';
}
