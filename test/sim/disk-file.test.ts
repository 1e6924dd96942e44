import { expect, test } from 'vitest';
import { SimFile } from './disk-file.ts';
import { SeededRandom } from './random.ts';

function text(file: SimFile): string {
  return Buffer.from(file.read(0, file.length)).toString().replaceAll('\0', '.');
}

test('changes are seen at once, and a crash keeps those that were kept, in their order', () => {
  const file = new SimFile();
  const first = file.write(0, Buffer.from('abcdef'));
  const second = file.write(2, Buffer.from('XX'));
  expect(text(file)).toBe('abXXef');
  file.keep(first);
  file.crash('all', new SeededRandom(1));
  expect(text(file)).toBe('abcdef');
  file.keep(second);
  expect(text(file)).toBe('abcdef');
});

test('a length that was cut and grown again reads as zeros', () => {
  const file = new SimFile();
  file.write(0, Buffer.from('abcdef'));
  file.truncate(2);
  file.truncate(5);
  expect(text(file)).toBe('ab...');
  file.keepAll(file.changes());
  file.crash('all', new SeededRandom(1));
  expect(text(file)).toBe('ab...');
});

test('a torn crash keeps every change but the end of the last write', () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const file = new SimFile();
    file.write(0, Buffer.alloc(1024, 1));
    file.write(1024, Buffer.alloc(1024, 2));
    file.crash('torn', new SeededRandom(seed));
    expect(file.read(0, 1024).every((byte) => byte === 1)).toBe(true);
    seen.add(file.length);
  }
  expect([...seen].sort()).toEqual([1024, 1536, 2048]);
});

test('a change that was forgotten is seen and never durable', () => {
  const file = new SimFile();
  const change = file.write(0, Buffer.from('abc'));
  expect([file.forget(change), file.forget(change)]).toEqual([true, false]);
  file.keep(change);
  expect(text(file)).toBe('abc');
  file.crash('some', new SeededRandom(1));
  expect(text(file)).toBe('');
});
