import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { stage } from './stage.ts';

const leads = { raftStatus: () => ({ state: 'Leader' }) };

test('the lag of each named reader, from the leader, as text for Prometheus', async () => {
  const on = await stage(leads);
  on.server.flap('ext', 'critical', 4);
  await on.request('/v1/events/cursors/pager', { json: { Offset: 2 } });
  const seen = await on.request('/v1/agent/metrics?format=prometheus');
  expect(seen.type).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(seen.text).toContain('# TYPE rollcall_cursor_lag gauge\n');
  expect(seen.text).toContain('rollcall_cursor_lag{cursor="pager",share=""} 3\n');
  expect(seen.text).toContain('rollcall_events_last_offset 5\n');
  expect(seen.text).toContain('rollcall_journal_unconfirmed 7\n');
});

test('without named readers there is no lag, not even one of 0', async () => {
  const on = await stage(leads);
  const seen = await on.request('/v1/agent/metrics?format=prometheus');
  expect(seen.text).not.toContain('rollcall_cursor_lag');
});

test("in Consul's form", async () => {
  const on = await stage(leads);
  on.server.flap('ext', 'critical', 4);
  await on.request('/v1/events/cursors/pager', { json: { Offset: 5 } });
  const { Gauges, ...rest } = (await on.request('/v1/agent/metrics')).json() as { Gauges: unknown[] };
  expect(rest).toMatchObject({
    Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/),
  });
  expect(Object.keys(rest)).toEqual(['Timestamp', 'Points', 'Counters', 'Samples']);
  const lag = { Name: 'rollcall.cursor.lag', Value: 0, Labels: { cursor: 'pager', share: '' } };
  expect(Gauges).toContainEqual(lag);
});

test('others tell of themselves only, and so does a leader that leads no longer', async () => {
  const other = await stage();
  const former = await stage(leads);
  former.server.fail(new ExpectedError('NO_LEADER'));
  for (const { request } of [other, former]) {
    const { Gauges } = (await request('/v1/agent/metrics')).json() as { Gauges: { Name: string }[] };
    expect(Gauges.map(({ Name }) => Name)).toEqual(['rollcall.journal.unconfirmed']);
  }
});

test('what checks have measured, by check and name', async () => {
  const on = await stage();
  await on.request('/v1/agent/check/register', { json: { Name: 'disk', TTL: '1m' } });
  const text = (await on.request('/v1/agent/metrics?format=prometheus')).text;
  expect(text).toContain('rollcall_check_value{check="disk",service="",name="used",unit="%"} 85\n');
  const { Gauges } = (await on.request('/v1/agent/metrics')).json() as { Gauges: unknown[] };
  const labels = { check: 'disk', service: '', name: 'used', unit: '%' };
  expect(Gauges).toContainEqual({ Name: 'rollcall.check.value', Value: 85, Labels: labels });
});
