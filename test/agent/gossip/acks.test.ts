import { expect, test } from 'vitest';
import { Acks } from '../../../agent/gossip/acks.ts';

const somewhere = { host: '10.0.0.9', port: 8301 };

test('an ack belongs to whoever sent its number, once', () => {
  const acks = new Acks(10);
  const heard: unknown[] = [];
  const first = acks.expect({ onAck: (payload) => heard.push(payload) });
  const second = acks.expect({ onAck: () => heard.push('second') });
  expect([first, second]).toEqual([1, 2]);
  expect(acks.receiveAck(first, Uint8Array.of(7))).toBe(true);
  expect(acks.receiveAck(first, null)).toBe(false);
  expect(heard).toEqual([Uint8Array.of(7)]);
});

test('nacks and refusals leave the number waiting, a forgotten one hears nothing', () => {
  const acks = new Acks(10);
  const heard: string[] = [];
  const seqNo = acks.expect({
    onAck: () => heard.push('ack'),
    onNack: ({ host }) => heard.push(`nack from ${host}`),
    onRefusedElsewhere: (witness) => heard.push(`refused, says ${witness}`),
  });
  acks.receiveNack(seqNo, somewhere);
  acks.receiveRefusal(seqNo, 'helper');
  acks.forget(seqNo);
  acks.receiveNack(seqNo, somewhere);
  expect(acks.receiveAck(seqNo, null)).toBe(false);
  expect(heard).toEqual(['nack from 10.0.0.9', 'refused, says helper']);
});

test('it says when it is full', () => {
  const acks = new Acks(1);
  expect(acks.full).toBe(false);
  acks.expect({ onAck: () => {} });
  expect(acks.full).toBe(true);
});
