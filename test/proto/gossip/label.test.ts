import { expect, test } from 'vitest';
import { labelOf, labelOverhead, noLabel, skipLabel, writeLabel } from '../../../proto/gossip/label.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';

const blue = labelOf('blue');

function labelled(label: Uint8Array): Uint8Array {
  const packet = new Uint8Array(labelOverhead(label) + 1);
  writeLabel(packet, label);
  return packet;
}

test('the header is mark, length and label, and the message follows', () => {
  expect(Buffer.from(labelled(blue)).toString('hex')).toBe('f404626c756500');
  expect(skipLabel(labelled(blue), blue)).toBe(6);
  expect(skipLabel(labelled(noLabel), noLabel)).toBe(0);
});

test('two clusters that meet on one address do not take each other for one', () => {
  const green = labelOf('green');
  for (const [sent, ours] of [
    [blue, green],
    [blue, noLabel],
    [noLabel, blue],
    [blue, labelOf('blu')],
    [blue, labelOf('bluer')],
  ] as const) {
    expect(() => skipLabel(labelled(sent), ours)).toThrow(new Refusal('bad-label'));
  }
});

test('a header that comes in pieces is waited for, and refused with its first wrong byte', () => {
  const packet = labelled(blue);
  for (let length = 0; length < 6; length++) expect(skipLabel(packet.subarray(0, length), blue)).toBe(-1);
  expect(() => skipLabel(packet.subarray(0, 3), labelOf('grey'))).toThrow(new Refusal('bad-label'));
});

test('a label of 255 bytes is one, of 256 an error that says so', () => {
  expect(labelOf('ü'.repeat(127)).length).toBe(254);
  expect(() => labelOf('ü'.repeat(128))).toThrow('the gossip label takes 256 bytes of at most 255');
});
