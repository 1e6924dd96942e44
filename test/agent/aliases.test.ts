import { expect, test } from 'vitest';
import { catalogAliases, judgeAlias } from '../../agent/aliases.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { OwnCheck } from '../../proto/schema/catalog.ts';

function check(id: string, status: string, serviceId = ''): OwnCheck {
  return { id, name: id, notes: '', status, output: `${id} says so`, serviceId, type: 'ttl', definition: {} };
}

/** `alias` and `mirror` are aliases of this host. */
const judge = (service: string, checks: readonly OwnCheck[]) =>
  judgeAlias({ service }, checks, (id) => ['alias', 'mirror'].includes(id));

test('the worst of the service and of its node counts', () => {
  const checks = [
    check('disk', 'passing'),
    check('door', 'warning', 'shop'),
    check('other', 'critical', 'till'),
  ];
  expect(judge('shop', checks)?.status).toBe('warning');
  expect(judge('till', checks)?.status).toBe('critical');
  expect(judge('', checks)?.status).toBe('passing');
});

test('it follows no other alias that is a check of the node, but one that is a check of its service', () => {
  const node = [check('disk', 'passing'), check('mirror', 'critical')];
  expect(judge('shop', node)?.status).toBe('passing');
  expect(judge('shop', [check('disk', 'passing'), check('mirror', 'pending')])?.status).toBe('passing');
  expect(judge('shop', [check('mirror', 'critical', 'shop')])?.status).toBe('critical');
});

test('while a followed check has no result nothing is said, unless another is bad already', () => {
  const young = check('young', 'pending');
  expect(judge('', [young, check('disk', 'passing')])).toBeNull();
  expect(judge('', [young, check('disk', 'critical')])?.status).toBe('critical');
});

test('checks of another node come from the catalog: those of the service and of the node', async () => {
  const checks = [
    check('disk', 'passing'),
    check('door', 'passing', 'shop'),
    check('other', 'critical', 'till'),
    { ...check('mirror', 'critical'), type: 'alias' },
  ];
  const rpc = { call: async () => ({ rows: { checks } }) } as unknown as Rpc;
  const followed = await catalogAliases(rpc).checksOf('web-2', 'shop');
  expect(followed.map(({ id }) => id)).toEqual(['disk', 'door']);
});
