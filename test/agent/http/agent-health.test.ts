import { expect, test } from 'vitest';
import { recordedExchanges, type Stage, stage } from './stage.ts';

async function serviceWith(status: string | null): Promise<Stage> {
  const on = await stage();
  await on.request('/v1/agent/service/register', { json: { Name: 'web', Port: 80 } });
  if (status !== null) {
    await on.request('/v1/agent/check/register', {
      json: { Name: 'c', ServiceID: 'web', TTL: '1m', Status: status },
    });
  }
  return on;
}

const id = '/v1/agent/health/service/id/web';

test('the worst check decides the code, for load balancers that read nothing else', async () => {
  for (const [status, code] of [
    [null, 200],
    ['passing', 200],
    ['warning', 429],
    ['critical', 503],
  ] as const) {
    const on = await serviceWith(status);
    const seen = await on.request(id);
    const word = status ?? 'passing';
    expect([seen.status, seen.header('x-consul-reason')]).toEqual([code, word]);
    expect(seen.json()).toMatchObject({ AggregatedStatus: word, Service: { ID: 'web' } });
    const text = await on.request(`${id}?format=text`);
    expect([text.status, text.text]).toEqual([code, word]);
    expect((await on.request('/v1/agent/health/service/name/web')).status).toBe(code);
  }
});

test('maintenance, of the service or of the node, beats everything', async () => {
  const on = await serviceWith('critical');
  await on.request('/v1/agent/maintenance?enable=true', { method: 'PUT' });
  const seen = await on.request(id);
  expect([seen.status, seen.header('x-consul-reason')]).toEqual([503, 'maintenance']);
});

test('a check that has not run yet vouches for nothing', async () => {
  const on = await serviceWith(null);
  await on.request('/v1/agent/check/register', { json: { Name: 'c', ServiceID: 'web', TTL: '1m' } });
  expect((await on.request(id)).status).toBe(503);
});

test('unknown ones as Consul has them', async () => {
  const on = await stage();
  const recorded = [...recordedExchanges('agent-service-health').values()].filter(
    (entry) => entry.response?.status === 404 && /nope/.test(entry.request.path),
  );
  expect(recorded.length).toBeGreaterThan(1);
  for (const { request, response } of recorded) {
    const seen = await on.request(`${request.path}${request.query ? `?${request.query}` : ''}`, {
      headers: { ...request.headers },
    });
    expect(seen.status).toBe(404);
    expect(seen.header('x-consul-reason')).toBe(
      response.headers['X-Consul-Reason'] ?? response.headers['X-Consul-reason'],
    );
    if (response.body !== undefined) expect(JSON.parse(seen.text)).toEqual(response.body);
  }
  expect((await on.request('/v1/agent/health/service/id/')).text).toBe('Bad request: Missing serviceID');
});
