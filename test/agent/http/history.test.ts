import { expect, test } from 'vitest';
import { realClock, stage } from './stage.ts';

const hour = 3_600_000;

test('a timeline with its changes and the share of the time that was well', async () => {
  const nowMs = Date.UTC(2026, 10, 22, 12);
  const on = await stage({ clock: { ...realClock, wallMs: () => nowMs } });
  on.server.history = {
    spans: [
      { status: 'passing', fromMs: nowMs - 10 * hour, toMs: nowMs - 4 * hour, offset: 0, output: '' },
      { status: 'critical', fromMs: nowMs - 4 * hour, toMs: nowMs - 2 * hour, offset: 8, output: 'refused' },
      { status: 'pending', fromMs: nowMs - 2 * hour, toMs: nowMs - hour, offset: 9, output: '' },
      { status: 'passing', fromMs: nowMs - hour, toMs: null, offset: 10, output: 'ok' },
    ],
    changes: 3,
    upMs: 7 * hour,
    knownMs: 9 * hour,
    untilMs: nowMs,
    statusSinceMs: nowMs - hour,
    truncated: false,
  };
  const seen = await on.request('/v1/events/history?node=web-1&check=http&since=10h');
  expect(seen.json()).toMatchObject({
    Node: 'web-1',
    Check: 'http',
    Since: '2026-11-22T02:00:00.000Z',
    Until: '2026-11-22T12:00:00.000Z',
    Status: 'passing',
    StatusSince: '2026-11-22T11:00:00.000Z',
    Changes: 3,
    Uptime: 7 / 9,
    Spans: [
      { Status: 'passing', Seconds: 21_600, Offset: 0 },
      {
        Status: 'critical',
        From: '2026-11-22T08:00:00.000Z',
        To: '2026-11-22T10:00:00.000Z',
        Output: 'refused',
      },
      { Status: 'pending' },
      { Status: 'passing', To: '', Seconds: 3_600 },
    ],
  });
  expect(seen.header('x-rollcall-log')).toBe('log-1');
});

test('when nothing is known, the uptime is not', async () => {
  const on = await stage();
  expect((await on.request('/v1/events/history?node=web-1')).json()).toMatchObject({
    Uptime: null,
    Spans: [],
  });
});

test('a time or a duration; anything else is refused', async () => {
  const on = await stage();
  const since = async (text: string) =>
    on.request(`/v1/events/history?node=a&since=${encodeURIComponent(text)}`);
  expect((await since('2026-11-22T03:00:00Z')).json()).toMatchObject({ Since: '2026-11-22T03:00:00.000Z' });
  for (const text of ['yesterday', '-1h', '24', '0s']) expect((await since(text)).status).toBe(400);
  expect((await on.request('/v1/events/history')).text).toBe('Missing node name');
});
