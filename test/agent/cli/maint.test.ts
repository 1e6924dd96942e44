import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('maint: begins, ends and shows', async () => {
  const answers = {
    'PUT /v1/agent/maintenance': {},
    'PUT /v1/agent/service/maintenance/web%3A1': {},
    'GET /v1/agent/checks': {
      body: {
        _node_maintenance: { CheckID: '_node_maintenance', Node: 'n1', Notes: 'new kernel' },
        '_service_maintenance:web:1': { CheckID: '_service_maintenance:web:1', Node: 'n1', Notes: 'deploy' },
        disk: { CheckID: 'disk', Node: 'n1', Notes: '' },
      },
    },
  };
  const begun = await ask(answers, ['maint', '--enable', '--reason', 'new kernel']);
  expect(begun.out).toBe('Maintenance of the node has begun.\n');
  expect(Object.fromEntries(begun.requests[0]!.query)).toEqual({ enable: 'true', reason: 'new kernel' });
  const over = await ask(answers, ['maint', '--disable', '--service', 'web:1']);
  expect(over.out).toBe('Maintenance of the service web:1 is over.\n');
  expect(Object.fromEntries(over.requests[0]!.query)).toEqual({ enable: 'false' });
  expect((await ask(answers, ['maint'])).out).toBe(
    'Node  Service  Reason\nn1             new kernel\nn1    web:1    deploy\n',
  );
});
