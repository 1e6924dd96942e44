import { expect, test } from 'vitest';
import { formatTable } from '../../../agent/cli/table.ts';

test('columns are as wide as their widest cell, the last one is never padded', () => {
  expect(
    formatTable(
      ['A', 'Long', 'Z'],
      [
        ['xyz', '', 'one'],
        ['é', '12345', ''],
      ],
    ),
  ).toBe('A    Long   Z\nxyz         one\né    12345\n');
});

test('a table without rows is its header', () => {
  expect(formatTable(['A', 'B'], [])).toBe('A  B\n');
});

test('text from elsewhere cannot steer the terminal or break the table', () => {
  expect(formatTable(['A', 'B'], [['x\n\u001b[2Jy', 'z']])).toBe('A        B\nx \ufffd[2Jy  z\n');
});
