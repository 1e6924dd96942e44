import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isExpected } from '../../../proto/errors.ts';
import {
  encodeFrame,
  type Frame,
  type FrameKind,
  FrameReader,
  frameBytesMax,
  frameKinds,
  headerBytes,
} from '../../../server/rpc/frames.ts';

const anyFrame = fc.record({
  kind: fc.constantFrom(...(Object.keys(frameKinds) as FrameKind[])),
  id: fc.integer({ min: 0, max: 0xffff_ffff }),
  body: fc.uint8Array({ maxLength: 200 }),
});

function readAll(reader: FrameReader): Frame[] {
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    frames.push({ ...frame, body: new Uint8Array(frame.body) });
  }
  return frames;
}

function thrown(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (isExpected(error)) return error;
  }
  throw new Error('nothing expected was thrown');
}

test('frames come out as they went in, however the network cuts them', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (frames, piece) => {
      const bytes = Buffer.concat(frames.map(({ kind, id, body }) => encodeFrame(kind, id, body)));
      const reader = new FrameReader(frameBytesMax);
      const seen: Frame[] = [];
      for (let at = 0; at < bytes.length; at += piece) {
        reader.push(bytes.subarray(at, at + piece));
        seen.push(...readAll(reader));
      }
      expect(seen).toEqual(frames);
      expect(reader.pendingBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('a frame without a body is nothing but its header', () => {
  expect(encodeFrame('ping', 0)).toHaveLength(headerBytes);
});

test('half a frame waits and is counted as pending', () => {
  const reader = new FrameReader(1_000);
  reader.push(encodeFrame('call', 7, new Uint8Array(100)).subarray(0, 40));
  expect(reader.next()).toBeUndefined();
  expect(reader.pendingBytes).toBe(40);
});

test('a giant is refused by its header, before its body is there', () => {
  const reader = new FrameReader(1_000);
  reader.push(encodeFrame('call', 1, new Uint8Array(2_000)).subarray(0, headerBytes));
  expect(thrown(() => reader.next())).toMatchObject({
    code: 'TOO_LARGE',
    message: 'frame of 2005 bytes, the limit is 1000',
  });
});

test('a kind that nobody knows and a length that cannot be are named', () => {
  const strange = encodeFrame('ping', 0);
  strange[4] = 99;
  const reader = new FrameReader(1_000);
  reader.push(strange);
  expect(thrown(() => reader.next())).toMatchObject({
    code: 'PROTOCOL',
    message: 'frame of unknown kind 99',
  });
  const short = new FrameReader(1_000);
  short.push(new Uint8Array([0, 0, 0, 4, 1, 0, 0, 0, 0]));
  expect(thrown(() => short.next()).message).toBe('frame of impossible length 4');
});

test('a body that the other side would refuse is not sent', () => {
  expect(thrown(() => encodeFrame('call', 1, new Uint8Array(frameBytesMax))).code).toBe('TOO_LARGE');
});

test('a large frame in thousands of pieces comes out whole', () => {
  const body = new Uint8Array(8 * 1024 * 1024);
  const bytes = encodeFrame('answer', 1, body);
  const reader = new FrameReader(frameBytesMax);
  let frame: Frame | undefined;
  for (let at = 0; at < bytes.length; at += 1_024) {
    reader.push(bytes.subarray(at, at + 1_024));
    frame ??= reader.next();
  }
  expect(frame?.body).toHaveLength(body.length);
});
