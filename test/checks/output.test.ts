import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundNote, boundText, firstBytes, OutputKeeper, textOf } from '../../checks/output.ts';

function keep(bytesMax: number, ...chunks: string[]): string {
  const keeper = new OutputKeeper(bytesMax);
  for (const chunk of chunks) keeper.push(Buffer.from(chunk));
  return textOf(keeper.bytes());
}

test('what fits is kept as it came, in whatever pieces', () => {
  expect(keep(10, 'hello')).toBe('hello');
  expect(keep(10, 'he', 'llo', '', 'world')).toBe('helloworld');
  expect(keep(10)).toBe('');
});

test('of more, the head and the tail are kept and the cut is marked', () => {
  expect(keep(8, 'abcdefghijklmnop')).toBe('abcd\n... cut 8 of 16 bytes ...\nmnop');
  expect(keep(8, 'ab', 'cdef', 'ghijk', 'lmn', 'op')).toBe('abcd\n... cut 8 of 16 bytes ...\nmnop');
});

test('a hundred megabytes cost no more than the limit', () => {
  const keeper = new OutputKeeper(4096);
  const chunk = Buffer.alloc(65_536, 'x');
  for (let i = 0; i < 1_600; i++) keeper.push(chunk);
  expect(keeper.totalBytes).toBe(104_857_600);
  expect(keeper.bytes().length).toBeLessThan(4096 + 50);
});

test('a cut never leaves half a character', () => {
  for (let shift = 0; shift < 4; shift++) {
    const text = keep(16, `${'x'.repeat(shift)}${'€'.repeat(20)}`);
    expect(text).not.toContain('\ufffd');
    expect(text).toMatch(/^x*€+\n\.\.\. cut \d+ of \d+ bytes \.\.\.\n€+$/);
  }
});

test('bytes that are no UTF-8 become replacement characters, and zeros stay', () => {
  const keeper = new OutputKeeper(64);
  keeper.push(Uint8Array.from([0x61, 0xff, 0x00, 0x62]));
  expect(textOf(keeper.bytes())).toBe('a\ufffd\0b');
});

test('however it is cut in pieces, the result is the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
      fc.integer({ min: 2, max: 64 }),
      (chunks, bytesMax) => {
        const whole = Buffer.concat(chunks);
        const atOnce = new OutputKeeper(bytesMax);
        atOnce.push(whole);
        const inPieces = new OutputKeeper(bytesMax);
        for (const chunk of chunks) inPieces.push(chunk);
        expect(Buffer.from(inPieces.bytes())).toEqual(Buffer.from(atOnce.bytes()));
        if (whole.length <= bytesMax) expect(Buffer.from(atOnce.bytes())).toEqual(whole);
      },
    ),
  );
});

test('a text is bounded the same way', () => {
  expect(boundText('short', 10)).toBe('short');
  expect(boundText('abcdefghijklmnop', 8)).toBe('abcd\n... cut 8 of 16 bytes ...\nmnop');
});

test('a note for a TTL check is cut in the words of Consul', () => {
  expect(boundNote('y'.repeat(10_000), 4096)).toBe(`${'y'.repeat(4096)} ... (captured 4096 of 10000 bytes)`);
  expect(boundNote('fine', 4096)).toBe('fine');
});

test('the first bytes end with a whole character', () => {
  expect(textOf(firstBytes(Buffer.from('a€b'), 3))).toBe('a');
  expect(textOf(firstBytes(Buffer.from('a€b'), 4))).toBe('a€');
});
