import { expect, test } from 'vitest';
import { catalogAliases, judgeAlias } from '../../agent/aliases.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { OwnCheck } from '../../proto/schema/catalog.ts';

function check(id: string, status: string, serviceId = ''): OwnCheck {
  return { id, name: id, notes: '', status, output: `${id} says so`, serviceId, type: 'ttl', definition: {} };
}

test('the worst of the service and of its node counts', () => {
  const checks = [
    check('disk', 'passing'),
    check('door', 'warning', 'shop'),
    check('other', 'critical', 'till'),
  ];
  expect(judgeAlias('alias', { service: 'shop' }, checks)?.status).toBe('warning');
  expect(judgeAlias('alias', { service: 'till' }, checks)?.status).toBe('critical');
  expect(judgeAlias('alias', { service: '' }, checks)?.status).toBe('passing');
});

test('it does not follow itself', () => {
  expect(judgeAlias('alias', { service: '' }, [check('alias', 'critical')])?.status).toBe('passing');
});

test('while a followed check has no result nothing is said, unless another is bad already', () => {
  const young = check('young', 'pending');
  expect(judgeAlias('alias', { service: '' }, [young, check('disk', 'passing')])).toBeNull();
  expect(judgeAlias('alias', { service: '' }, [young, check('disk', 'critical')])?.status).toBe('critical');
});

test('checks of another node come from the catalog: those of the service and of the node', async () => {
  const checks = [
    check('disk', 'passing'),
    check('door', 'passing', 'shop'),
    check('other', 'critical', 'till'),
  ];
  const rpc = { call: async () => ({ rows: { checks } }) } as unknown as Rpc;
  const followed = await catalogAliases(rpc).checksOf('web-2', 'shop');
  expect(followed.map(({ id }) => id)).toEqual(['disk', 'door']);
});
