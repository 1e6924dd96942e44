import { expect, test } from 'vitest';
import { formatHistory, type History } from '../../../agent/cli/history-text.ts';

const startMs = Date.parse('2026-11-22T02:00:00.000Z');
const at = (minutes: number) => new Date(startMs + minutes * 60_000).toISOString();

/** An hour; each span begins at its minute. */
function hour(...spans: Array<[minute: number, Status: string, Output?: string]>): History {
  return {
    Node: 'web-1',
    Check: 'http',
    Since: at(0),
    Until: at(60),
    Truncated: false,
    Status: spans.at(-1)![1],
    StatusSince: at(spans.at(-1)![0]),
    Changes: spans.length - 1,
    Uptime: 0.999_999,
    Spans: spans.map(([minute, Status, Output = ''], index) => {
      const until = spans[index + 1]?.[0];
      return {
        Status,
        From: at(minute),
        To: until === undefined ? '' : at(until),
        Seconds: ((until ?? 60) - minute) * 60,
        Offset: index === 0 ? 0 : 100 + index,
        Output,
      };
    }),
  };
}

test('a sentence, a line of time, and what happened', () => {
  const past = hour([10, 'passing'], [30, 'critical', 'refused\nby all'], [32, 'passing'], [59.9, 'warning']);
  expect(formatHistory(past, 20).split('\n')).toEqual([
    'web-1/http: warning since 2026-11-22T02:59:54.000Z',
    '2026-11-22T02:00:00.000Z  3 changes, up 99.999 %',
    `[${'·'.repeat(10)}${'─'.repeat(20)}██${'─'.repeat(27)}▒] 2026-11-22T03:00:00.000Z`,
    'From                      Status    For     Event  Output',
    '2026-11-22T02:10:00.000Z  passing   20m0s',
    '2026-11-22T02:30:00.000Z  critical  2m0s    101    refused',
    '2026-11-22T02:32:00.000Z  passing   27m54s  102',
    '2026-11-22T02:59:54.000Z  warning   6s      103',
    '',
  ]);
});

test('a failure of a second is seen on the line of a day', () => {
  const past = { ...hour([0, 'passing'], [30, 'critical'], [30.01, 'passing']), Until: at(24 * 60) };
  expect(formatHistory(past, 0)).toMatch(/\[─█─+\]/);
});

test('only the newest lines; what is gone and what is not known is said', () => {
  const past = { ...hour([0, 'passing'], [30, 'critical'], [40, '']), Truncated: true, Uptime: null };
  const text = formatHistory({ ...past, StatusSince: '' }, 1);
  expect(text).toContain('web-1/http: (gone)\n');
  expect(text).toContain('up -, not all of that time is known');
  expect(text.trimEnd().split('\n').slice(4)).toEqual(['2026-11-22T02:40:00.000Z  (gone)  20m0s  102']);
});
