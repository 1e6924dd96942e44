import { expect, test } from 'vitest';
import { stage } from './stage.ts';

test('scripts over the API only where the operator allows them, in services too', async () => {
  const on = await stage();
  const script = { Name: 's', Args: ['true'], Interval: '10s' };
  const refusal =
    "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true";
  const check = await on.request('/v1/agent/check/register', { json: script });
  expect([check.status, check.text]).toEqual([500, refusal]);
  const service = await on.request('/v1/agent/service/register', { json: { Name: 'web', Check: script } });
  expect([service.status, service.text]).toEqual([500, refusal]);
  expect(on.local.services()).toEqual([]);
  const allowed = await stage({ scriptsAllowed: () => true });
  expect((await allowed.request('/v1/agent/check/register', { json: script })).status).toBe(200);
});

test('what a client says is cut with a remark, and no character is cut in half', async () => {
  const on = await stage();
  await on.request('/v1/agent/check/register', { json: { Name: 't', TTL: '1m' } });
  await on.request('/v1/agent/check/update/t', { json: { Output: 'é'.repeat(3_000) } });
  const { output, status } = on.local.checks()[0]!;
  expect(status).toBe('passing');
  expect(output).toMatch(/^é{2048} \.\.\. \(captured 4096 of 6000 bytes\)$/);
  await on.request('/v1/agent/check/update/t', { json: { Output: `x${'é'.repeat(3_000)}` } });
  expect(on.local.checks()[0]!.output).toMatch(/^xé{2047} \.\.\. /);
});

test("a check shows how often it runs, and its own word beside Consul's", async () => {
  const on = await stage();
  await on.request('/v1/agent/check/register', { json: { Name: 'web', HTTP: 'http://x/', Interval: '90s' } });
  expect((await on.request('/v1/agent/checks')).json()).toMatchObject({
    web: { Status: 'critical', RollcallStatus: 'pending', Interval: '1m30s', Timeout: '10s', Type: 'http' },
  });
});

test('a check from a template needs no permission for scripts, and may bring nothing but names and values', async () => {
  const on = await stage();
  const register = (json: object) => on.request('/v1/agent/check/register', { json });
  expect((await register({ Use: 'disk', With: { Mount: '/srv', warn: 80 }, ID: 'srv' })).status).toBe(200);
  expect(on.local.checks()).toMatchObject([{ id: 'srv', type: 'script' }]);
  const unknown = await register({ use: 'dsk' });
  expect([unknown.status, unknown.text]).toEqual([400, 'use: there is no template "dsk"']);
  for (const key of ['Args', 'Interval', 'HTTP', 'Cwd']) {
    const refused = await register({ Use: 'disk', [key]: 'x' });
    expect([refused.status, refused.text]).toEqual([
      400,
      `Request decode failed: json: unknown field "${key}"`,
    ]);
  }
  const nobody = await register({ Use: 'disk', ServiceID: 'nope' });
  expect([nobody.status, nobody.text]).toEqual([500, 'ServiceID "nope" does not exist']);
});

test('a check is run when somebody asks, and the answer is its result and what became of the status', async () => {
  const on = await stage();
  await on.request('/v1/agent/check/register', { json: { Name: 'web', HTTP: 'http://x/', Interval: '90s' } });
  await on.request('/v1/agent/check/register', { json: { Name: 't', TTL: '1m' } });
  const run = (id: string) => on.request(`/v1/agent/check/run/${id}`, { method: 'PUT' });
  expect((await run('web')).json()).toEqual({
    CheckID: 'web',
    Result: 'passing',
    Output: 'fine',
    DurationMs: 12,
    Metrics: [{ Name: 'load', Value: 1.5, Unit: 's' }],
    Details: { exitCode: 0 },
    From: 'pending',
    Status: 'passing',
    RollcallStatus: 'passing',
  });
  expect([(await run('t')).status, (await run('nope')).status]).toEqual([400, 404]);
});

test("maintenance is critical to Consul's clients, and a status of its own to ours", async () => {
  const on = await stage();
  await on.request('/v1/agent/maintenance?enable=true&reason=kernel', { method: 'PUT' });
  expect((await on.request('/v1/agent/checks')).json()).toMatchObject({
    _node_maintenance: { Status: 'critical', RollcallStatus: 'maintenance', Notes: 'kernel' },
  });
});
