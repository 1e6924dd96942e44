import { describe, expect, test } from 'vitest';
import { encodeCompressed, type Opening } from '../../../proto/gossip/envelope.ts';
import { labelOf, noLabel } from '../../../proto/gossip/label.ts';
import type { StreamMessage } from '../../../proto/gossip/messages.ts';
import { encodeStreamMessage } from '../../../proto/gossip/packets.ts';
import { encodeStream, errFor, StreamDecoder, type StreamOptions } from '../../../proto/gossip/stream.ts';
import { streamLimits } from '../../../proto/gossip/stream-body.ts';
import { bytesOf, fromHex } from './golden.ts';

const key = new Uint8Array(16).fill(5);
const nonce = new Uint8Array(12).fill(7);
const anybody: Opening = { label: noLabel, keys: [], acceptPlain: false };
const bare: StreamOptions = { sender: 'client', label: noLabel, compress: false, seal: null };

const ack: StreamMessage = { type: 'ackResp', seqNo: 61, payload: null };
const pushPull: StreamMessage = {
  type: 'pushPull',
  join: true,
  nodes: [],
  userState: new Uint8Array(5000).fill(3),
};

function refusalOf(stream: Uint8Array, opening: Opening = anybody, limits = streamLimits): string {
  const progress = new StreamDecoder('client', opening, limits).push(stream);
  return progress.state === 'refused' ? progress.reason : progress.state;
}

describe('every combination of wrappers opens again, in any pieces, in both directions', () => {
  const options = [noLabel, labelOf('blue')].flatMap((label) =>
    [true, false].flatMap((compress) =>
      [null, { key, nonce }, { key, nonce, version: 0 as const }].flatMap((seal) =>
        (['client', 'server'] as const).map((sender) => ({ sender, label, compress, seal })),
      ),
    ),
  );
  test.each(options)('$sender, label $label, compress $compress, seal $seal.version', (how) => {
    const opening = { ...anybody, label: how.label, keys: how.seal === null ? [] : [key] };
    for (const message of [ack, pushPull]) {
      const stream = encodeStream(message, how);
      for (const pieceBytes of [1, 7, stream.length]) {
        const decoder = new StreamDecoder(how.sender, opening);
        let progress = decoder.push(new Uint8Array(0));
        for (let at = 0; at < stream.length; at += pieceBytes) {
          expect(progress.state).toBe('incomplete');
          progress = decoder.push(stream.subarray(at, at + pieceBytes));
        }
        expect(progress).toEqual({ state: 'complete', message, keyIndex: how.seal === null ? null : 0 });
      }
    }
  });
});

test('an answer carries no label, but is bound to it', () => {
  const how = { ...bare, sender: 'server' as const, label: labelOf('blue'), seal: { key, nonce } };
  const answer = encodeStream(ack, how);
  expect(answer[0]).toBe(0x0a);
  const listening = (label: string) =>
    new StreamDecoder('server', { ...anybody, label: labelOf(label), keys: [key] }).push(answer);
  expect(listening('blue').state).toBe('complete');
  expect(listening('grey')).toEqual({ state: 'refused', reason: 'wrong-key' });
});

describe('what does not fit our settings is refused with its first bytes', () => {
  const encrypted: Opening = { ...anybody, keys: [key] };

  test('plain at an encrypted agent, encrypted at a plain one, and the wrong key', () => {
    const sealed = encodeStream(ack, { ...bare, seal: { key: new Uint8Array(32), nonce } });
    expect(refusalOf(Uint8Array.of(6), encrypted)).toBe('not-encrypted');
    expect(refusalOf(Uint8Array.of(0x0a))).toBe('no-keys');
    expect(refusalOf(sealed, encrypted)).toBe('wrong-key');
    expect(refusalOf(bytesOf('join-request'), { ...encrypted, acceptPlain: true })).toBe('complete');
  });

  test('those three are answered, anything else is not', () => {
    for (const reason of ['not-encrypted', 'no-keys', 'wrong-key'] as const) {
      expect(errFor(reason)).toMatchObject({ type: 'err' });
    }
    expect(errFor('bomb')).toBeUndefined();
  });

  test('labels', () => {
    expect(refusalOf(fromHex('f404626c7565'))).toBe('bad-label');
    expect(refusalOf(Uint8Array.of(6), { ...anybody, label: labelOf('blue') })).toBe('bad-label');
    expect(refusalOf(fromHex('f4'), { ...anybody, label: labelOf('blue') })).toBe('incomplete');
  });
});

describe('limits', () => {
  test('an encrypted length beyond them, before the bytes have come', () => {
    expect(refusalOf(fromHex('0a7fffffff'), { ...anybody, keys: [key] })).toBe('too-large');
  });

  test('a compressed message that announces more, or inflates to more', () => {
    expect(refusalOf(fromHex('0982a4416c676f00a3427566db7fffffff'))).toBe('too-large');
    const bomb = encodeCompressed(new Uint8Array(3_000_000));
    expect(bomb.length).toBeLessThan(10_000);
    expect(refusalOf(bomb, anybody, { ...streamLimits, bytesMax: 1_000_000 })).toBe('bomb');
  });

  test('more bytes than allowed without an end', () => {
    const decoder = new StreamDecoder('client', anybody, { ...streamLimits, bytesMax: 1000 });
    decoder.push(fromHex('0683a44a6f696ec3a54e6f64657300ac5573657253746174654c656ecd0fa0'));
    for (let i = 0; i < 9; i++) expect(decoder.push(new Uint8Array(100)).state).toBe('incomplete');
    expect(decoder.push(new Uint8Array(100))).toEqual({ state: 'refused', reason: 'too-large' });
  });
});

test('a wrapped message must be whole: what is missing inside will not come', () => {
  const cut = encodeStreamMessage(pushPull).subarray(0, -1);
  expect(refusalOf(encodeCompressed(cut))).toBe('truncated');
  expect(refusalOf(encodeCompressed(encodeCompressed(encodeStreamMessage(ack))))).toBe('unknown-type');
});

test('how it ended stays how it ended', () => {
  const decoder = new StreamDecoder('client', anybody);
  expect(decoder.end()).toBeUndefined();
  decoder.push(Uint8Array.of(2));
  expect(decoder.end()).toBe('truncated');
  decoder.push(Uint8Array.of(0xc1));
  expect(decoder.end()).toBe('bad-type');
  expect(decoder.push(encodeStream(ack, bare))).toEqual({ state: 'refused', reason: 'bad-type' });

  const fine = new StreamDecoder('client', anybody);
  const first = fine.push(encodeStream(ack, bare));
  expect(fine.push(Uint8Array.of(1, 2, 3))).toBe(first);
  expect(fine.end()).toBeUndefined();
});
