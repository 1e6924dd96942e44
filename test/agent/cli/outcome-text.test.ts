import { expect, test } from 'vitest';
import { outcomeLines } from '../../../agent/cli/outcome-text.ts';

const nothing = { status: 'passing', output: '', metrics: [], details: {}, durationMs: 12.6 };

test('a run that said nothing is one line', () => {
  expect(outcomeLines('Run 1', nothing)).toEqual(['Run 1: passing after 13 ms']);
});

test('outputs keep their lines, and nothing in them steers the terminal', () => {
  const output = 'one\n\u001b]0;title\u0007two\n\n';
  const shown = { ...nothing, output, details: { reason: '\u001b[31mred', load: 0.123456 } };
  expect(outcomeLines('Run 1', shown).slice(1)).toEqual([
    '  | one',
    '  | \u{fffd}]0;title\u{fffd}two',
    '  reason: \u{fffd}[31mred',
    '  load: 0.123',
  ]);
});
