import { expect, test } from 'vitest';
import { linesOf } from '../../../agent/cli/lines.ts';

async function* chunks(...parts: (string | Uint8Array)[]) {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
}

async function all(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(source)) lines.push(line);
  return lines;
}

test('lines come whole, however the bytes were cut', async () => {
  const bytes = new TextEncoder().encode('é\n');
  expect(await all(chunks('{"a"', ':1}\n\n{"b":2}\n', bytes.slice(0, 1), bytes.slice(1)))).toEqual([
    '{"a":1}',
    '{"b":2}',
    'é',
  ]);
});

test('what has no end yet was cut off and is no line', async () => {
  expect(await all(chunks('a\nb'))).toEqual(['a']);
});

test('a line that never ends costs a bounded amount of memory', async () => {
  async function* endless() {
    for (;;) yield new Uint8Array(65_536).fill(0x78);
  }
  await expect(all(endless())).rejects.toThrow('does not end');
});
