import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeConsulEvent, encodeConsulEvent } from '../../../proto/gossip/consul-event.ts';

const event = {
  id: '6b415d0f-bf66-6204-a274-c0e7011225b4',
  name: 'deploy',
  payload: new Uint8Array(Buffer.from('payload1')),
  nodeFilter: '',
  serviceFilter: '',
  tagFilter: '',
  version: 1,
};

/** The payload in a packet that a real Consul sent. */
function recordedPayload(): string {
  const file = new URL('../../fixtures/gossip/consul.json', import.meta.url);
  const at = /"Name": ?"consul:event:deploy", ?"Payload": ?\{\s*"hex": ?"([0-9a-f]+)"/;
  return at.exec(readFileSync(file, 'utf8').replaceAll(/\s+/g, ' '))![1]!;
}

test('a recorded event of a real Consul reads, and ours is the same to the byte', () => {
  const recorded = recordedPayload();
  const id = Buffer.from(recorded, 'hex').subarray(6, 42).toString();
  const read = decodeConsulEvent(Buffer.from(recorded, 'hex'))!;
  expect(read).toEqual({ ...event, id });
  expect(Buffer.from(encodeConsulEvent(read)).toString('hex')).toBe(recorded);
});

test('filters travel; what is empty takes no room', () => {
  const filtered = { ...event, nodeFilter: 'web.*', serviceFilter: 'api', tagFilter: 'v[0-9]' };
  expect(decodeConsulEvent(encodeConsulEvent(filtered))).toEqual(filtered);
  const empty = { ...event, payload: new Uint8Array(0) };
  expect(decodeConsulEvent(encodeConsulEvent(empty))).toEqual(empty);
  expect(encodeConsulEvent(empty).length).toBe(encodeConsulEvent(event).length - 12);
});

test('a payload that came as text is taken as bytes', () => {
  const old = Buffer.concat([
    Buffer.from([0x83, 0xa2]),
    Buffer.from('ID'),
    Buffer.from([0xa1, 0x78, 0xa1]),
    Buffer.from('n'),
    Buffer.from([0xa1, 0x79, 0xa1]),
    Buffer.from('p'),
    Buffer.from([0xa2]),
    Buffer.from('hi'),
  ]);
  expect(decodeConsulEvent(old)).toMatchObject({ id: 'x', name: 'y', version: 1 });
  expect(Buffer.from(decodeConsulEvent(old)!.payload).toString()).toBe('hi');
});

test('what is no event is none', () => {
  for (const bytes of ['', 'ff', '90', '80', 'c1', '84a24944']) {
    expect(decodeConsulEvent(Buffer.from(bytes, 'hex'))).toBeUndefined();
  }
});
