import { expect, test } from 'vitest';
import { stage } from './stage.ts';

test('a check without a result is found under the status that it shows as', async () => {
  const on = await stage({ pendingStatus: () => 'warning' });
  const check = { ...{ node: 'a', notes: '', output: '', serviceId: '', serviceName: '' }, serviceTags: [] };
  const of = (id: string, status: 'pending' | 'warning' | 'critical') => ({
    ...{ ...check, id, name: id, status, type: 'http', definition: {} },
  });
  on.server.join('a', '10.0.0.1');
  on.server.apply({
    kind: 'catalog.register',
    v: 1,
    node: {
      ...{ name: 'a', id: 'id-a', address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null },
      ...{ meta: null, skipUpdate: true },
    },
    service: null,
    checks: [of('new', 'pending'), of('slow', 'warning'), of('gone', 'critical')],
  });
  const found = async (state: string) =>
    ((await on.request(`/v1/health/state/${state}`)).json() as Array<{ CheckID: string }>)
      .map(({ CheckID }) => CheckID)
      .filter((id) => id !== 'serfHealth')
      .sort();
  expect(await found('warning')).toEqual(['new', 'slow']);
  expect(await found('critical')).toEqual(['gone']);
  expect(await found('pending')).toEqual(['new']);
  expect(await found('any')).toEqual(['gone', 'new', 'slow']);
});
