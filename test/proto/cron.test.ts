import { expect, test } from 'vitest';
import { parseCron } from '../../proto/cron.ts';

function next(expression: string, timezone: string, after: string): string {
  const cron = parseCron(expression, timezone);
  if (!cron.ok) throw new Error(cron.message);
  return new Date(cron.next(Date.parse(after))!).toISOString();
}

test('five fields count minutes, six count seconds', () => {
  expect(next('*/5 * * * *', 'UTC', '2026-11-22T03:12:00Z')).toBe('2026-11-22T03:15:00.000Z');
  expect(next('*/20 * * * * *', 'UTC', '2026-11-22T03:12:00Z')).toBe('2026-11-22T03:12:20.000Z');
});

test('a time of day means the time of its zone, on both sides of the change of clocks', () => {
  expect(next('30 3 * * *', 'Europe/Berlin', '2026-07-01T12:00:00Z')).toBe('2026-07-02T01:30:00.000Z');
  expect(next('30 3 * * *', 'Europe/Berlin', '2026-12-01T12:00:00Z')).toBe('2026-12-02T02:30:00.000Z');
});

test.each([
  ['every day', 'UTC', /parts are required/],
  ['61 * * * *', 'UTC', /Invalid value for minute: 61/],
  ['* * * * *', 'Mars/Olympus', /Invalid timezone/],
  ['0 0 31 2 *', 'UTC', /never comes/],
])('%s in %s is refused', (expression, timezone, message) => {
  const cron = parseCron(expression, timezone);
  expect(cron).toEqual({ ok: false, message: expect.stringMatching(message) });
});
