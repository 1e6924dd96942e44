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

/** In Go's spelling, as clients in that language send them: every key that the kind has, durations as text. */
const overTheApi: Readonly<Record<string, object>> = {
  script: { Args: ['/bin/true', '-v'], Interval: '10s', Timeout: '5s', OutputMaxSize: 512 },
  http: {
    ...{ HTTP: 'https://localhost:7443/alive', Method: 'POST', Header: { 'X-Ask': ['one', 'two'] } },
    ...{ Body: '{}', DisableRedirects: true, TLSServerName: 'stock', TLSSkipVerify: true },
    ...{ Interval: '10s', Timeout: '500ms', SuccessBeforePassing: 2, FailuresBeforeWarning: 1 },
    ...{ FailuresBeforeCritical: 3, Notes: 'asks', Status: 'passing', DeregisterCriticalServiceAfter: '90m' },
  },
  tcp: { TCP: 'localhost:4023', TCPUseTLS: true, TLSServerName: '', TLSSkipVerify: false, Interval: '1h30m' },
  udp: { UDP: 'localhost:1123', Interval: '10s', Timeout: '1s' },
  grpc: { GRPC: '127.0.0.1:9005/ledger.Write', GRPCUseTLS: true, TLSSkipVerify: true, Interval: '10s' },
  h2ping: { H2PING: 'localhost:9443', H2PingUseTLS: false, Interval: '10s' },
  os_service: { OSService: 'cups.service', Interval: '30s' },
  docker: { DockerContainerID: '0f1e2d', Shell: '/bin/sh', Args: ['/opt/length'], Interval: '20s' },
  ttl: { TTL: '26h', Status: 'warning' },
  alias: { AliasNode: 'client1', AliasService: 'web' },
};

test.each(Object.entries(overTheApi))("a check of kind %s in Go's spelling", async (kind, keys) => {
  const on = await stage({ scriptsAllowed: () => true });
  const web = { Name: 'web', Checks: [{ CheckID: 'of-web', ...keys }] };
  for (const [path, json] of [
    ['/v1/agent/check/register', { ID: 'alone', Name: 'Alone', ...keys }],
    ['/v1/agent/service/register', web],
  ] as const) {
    const { status, text } = await on.request(path, { json });
    expect([status, text]).toEqual([200, '']);
  }
  expect((await on.request('/v1/agent/checks')).json()).toMatchObject({ alone: { Type: kind } });
});

test('what a client sends to say that it leaves a key open is no error', async () => {
  const on = await stage();
  const open = { ID: '', Notes: '', Args: null, HTTP: '', Header: null, ServiceID: '', Status: '' };
  const json = { ...open, Name: 'door', TCP: 'localhost:22', Interval: '10s', Namespace: '' };
  const { status, text } = await on.request('/v1/agent/check/register', { json });
  expect([status, text]).toEqual([200, '']);
  expect(on.local.checks()).toMatchObject([{ id: 'door', type: 'tcp' }]);
});

test.each(['critical', 'warning', 'passing'] as const)(
  'a check without a result shows as %s',
  async (shown) => {
    const on = await stage({ pendingStatus: () => shown });
    await on.request('/v1/agent/service/register', {
      json: { Name: 'web', Check: { HTTP: 'http://x/', Interval: '9s' } },
    });
    const [check] = Object.values((await on.request('/v1/agent/checks')).json() as object);
    expect(check).toMatchObject({ Status: shown, RollcallStatus: 'pending', Restored: false });
    const health = (await on.request('/v1/agent/health/service/name/web')).json();
    expect(health).toMatchObject([{ AggregatedStatus: shown }]);
  },
);
