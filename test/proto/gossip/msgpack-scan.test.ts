import { expect, test } from 'vitest';
import { scanValue, ValueScanner } from '../../../proto/gossip/msgpack-scan.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';
import { fromHex } from './golden.ts';

/** One value of every form, some of them nested. */
const values = [
  '05',
  'ff',
  'c0',
  'c3',
  'a26869',
  'd9026869',
  'da00026869',
  'db000000026869',
  'c4026869',
  'c500026869',
  'c6000000026869',
  'ca00000000',
  'cb0000000000000000',
  'cc00',
  'cd0000',
  'ce00000000',
  'cf0000000000000000',
  'd000',
  'd10000',
  'd200000000',
  'd30000000000000000',
  'd40100',
  'd5010000',
  'd60100000000',
  `d701${'00'.repeat(8)}`,
  `d801${'00'.repeat(16)}`,
  'c70101ff',
  'c8000101ff',
  'c90000000101ff',
  '90',
  '80',
  '93010203',
  'dc000101',
  'dd0000000101',
  '82a161c0a1629301a0c2',
  'de0001a16105',
  'df00000001a16105',
  '9191919105',
];

test.each(values)('%s ends where it ends, and no byte earlier', (hex) => {
  const bytes = fromHex(`${hex}c1c1`);
  const length = hex.length / 2;
  expect(scanValue(bytes, 0)).toBe(length);

  const scanner = new ValueScanner(0, 1000);
  for (let end = 0; end < length; end++) expect(scanner.scan(bytes, end)).toBe(-1);
  expect(scanner.scan(bytes, length)).toBe(length);
});

test('it may start anywhere', () => {
  expect(scanValue(fromHex('ffffa26869'), 2)).toBe(5);
});

test('refusals: a byte that means nothing, nesting without end, and more bytes than allowed', () => {
  expect(() => scanValue(fromHex('c1'), 0)).toThrow(new Refusal('bad-type'));
  expect(() => scanValue(fromHex('91'.repeat(50)), 0)).toThrow(new Refusal('too-deep'));
  expect(() => scanValue(fromHex('9105'), 1)).not.toThrow();
  expect(() => scanValue(fromHex('92a5'), 0)).toThrow(new Refusal('truncated'));
  // Announced lengths count at once, not when the bytes are there.
  expect(() => new ValueScanner(0, 100).scan(fromHex('db7fffffff'))).toThrow(new Refusal('too-large'));
  expect(() => new ValueScanner(0, 100).scan(fromHex('ddffffffff'))).toThrow(new Refusal('too-large'));
});
