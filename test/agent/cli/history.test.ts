import { expect, test } from 'vitest';
import { fakeAgent, type Request, rollcall } from './stage.ts';

const rows = [
  ['web-1', 'serfHealth'],
  ['web-1', 'http'],
  ['web-1', 'disk'],
  ['web-2', 'disk'],
  ['web-2', '_node_maintenance'],
].map(([Node, CheckID]) => ({ Node, CheckID }));

function past({ query }: Request, known: (node: string, check: string) => boolean) {
  const Node = query.get('node')!;
  const Check = query.get('check') ?? '';
  const span = { Status: 'passing', From: '2026-11-22T02:00:00.000Z', To: '', Seconds: 3_600, Offset: 0 };
  return {
    Node,
    Check,
    Since: '2026-11-22T02:00:00.000Z',
    Until: '2026-11-22T03:00:00.000Z',
    Truncated: false,
    Status: 'passing',
    StatusSince: '2026-11-20T00:00:00.000Z',
    Changes: 0,
    Uptime: 1,
    Spans: known(Node, Check) ? [{ ...span, Output: '' }] : [],
  };
}

function agentThatKnows(known: (node: string, check: string) => boolean) {
  return fakeAgent((request) => {
    if (request.path === '/v1/health/state/any') return { body: rows };
    if (request.path === '/v1/catalog/nodes') return { body: [{ Node: 'web-1' }, { Node: 'web-2' }] };
    return request.path === '/v1/events/history' ? { body: past(request, known) } : undefined;
  });
}

test.each([
  ['web-1', ['web-1 ', 'web-1 disk', 'web-1 http']],
  ['web-2', ['web-2 ', 'web-2 disk']],
  ['disk', ['web-1 disk', 'web-2 disk']],
  ['web-1/http', ['web-1 http']],
  ['gone/http', ['gone http']],
  ['gone', ['gone ']],
])('%s stands for %j', async (name, subjects) => {
  const agent = await agentThatKnows(() => true);
  const at = ['--http-addr', agent.address, '--format', 'json'];
  const { code, out } = await rollcall(['history', name, '--since', '1h', ...at]);
  expect(code).toBe(0);
  const asked = agent.requests.filter(({ path }) => path === '/v1/events/history');
  expect(asked.every(({ query }) => query.get('since') === '1h')).toBe(true);
  const answers = JSON.parse(out) as Array<{ Node: string; Check: string }>;
  expect(answers.map(({ Node, Check }) => `${Node} ${Check}`)).toEqual(subjects);
});

test('a node is a timeline, and its checks a line each', async () => {
  const agent = await agentThatKnows(() => true);
  const { out } = await rollcall(['history', 'web-2', '--http-addr', agent.address]);
  expect(out).toContain('web-2: passing since 2026-11-20T00:00:00.000Z\n');
  expect(out).toMatch(/^Node +Check +Status +Since +Changes +Up\nweb-2 +disk +passing .* 0 +100 %\n$/m);
});

test('of whom the log knows nothing it says so', async () => {
  const agent = await agentThatKnows(() => false);
  expect(await rollcall(['history', 'nobody', '--http-addr', agent.address])).toEqual({
    code: 1,
    out: '',
    error: 'rollcall: nothing is known of a node or a check nobody since 24h\n',
  });
});
