import { expect, test } from 'vitest';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostDialer } from '../../../agent/host/dialer.ts';
import { hostFacts } from '../../../agent/host/facts.ts';
import { hostHttp } from '../../../agent/host/http.ts';
import { hostHttp2 } from '../../../agent/host/http2.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { hostProcesses } from '../../../agent/host/processes.ts';
import { hostResolver } from '../../../agent/host/resolver.ts';
import { checkKinds } from '../../../checks/kinds/index.ts';
import { kindSchemas } from '../../../proto/schema/definitions/kinds.ts';
import { context, realSandbox, shell } from '../real-host.ts';

const lookup = hostLookup();
const kinds = checkKinds({
  clock: hostClock(),
  sandbox: realSandbox().sandbox,
  http: hostHttp(lookup),
  http2: hostHttp2(lookup),
  dialer: hostDialer(lookup),
  resolver: hostResolver(),
  facts: hostFacts(hostProcesses()),
  aliases: { checksOf: async () => [] },
  leaderClock: { offsetMs: async () => 0 },
  dockerSocket: '/var/run/docker.sock',
});

test.each(kindSchemas.map((schema) => schema.kind))(
  'kind %s has a class and, unless it is fed, something that runs it',
  async (kind) => {
    expect(['process', 'network', 'host']).toContain(kinds.classOf(kind));
    if (kind === 'ttl') await expect(kinds.load(kind)).rejects.toThrow('fed, not run');
    else expect(await kinds.load(kind)).toHaveProperty('run');
  },
);

test('a kind is loaded once and runs', async () => {
  expect(kinds.load('script')).toBe(kinds.load('script'));
  const kind = await kinds.load('script');
  expect(await kind.run(shell('echo hi'), context())).toMatchObject({ status: 'passing', output: 'hi\n' });
});
