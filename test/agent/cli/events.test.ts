import { expect, test } from 'vitest';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';
import { fakeAgent, type Reply, type Request, rollcall } from './stage.ts';

function event(Offset: number, more: Partial<HealthEvent> = {}): HealthEvent {
  const draft = draftEvent({
    Kind: 'check.changed',
    Node: 'web-1',
    Check: 'http',
    From: 'passing',
    To: 'critical',
  });
  return { ...draft, Schema: 1, Offset, Time: '2026-11-22T03:12:00.000Z', Cause: 'check', ...more };
}

/** A log with events from `first` to `last`, as the long poll serves it. */
function log(first: number, last: number) {
  return ({ path, query }: Request): Reply | undefined => {
    if (path !== '/v1/events') return undefined;
    const headers = { 'X-Rollcall-Offset': String(last), 'X-Rollcall-Log': 'log-1' };
    const after = Number(query.get('after') ?? last);
    if (after > 0 && after + 1 < first) return { status: 410, body: `first kept is ${first}` };
    const from = Math.max(first, after + 1);
    const to = Math.min(last, from + Number(query.get('limit')) - 1);
    const body = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => event(from + index));
    return { headers: { ...headers, 'X-Rollcall-Offset': String(body.length > 0 ? to : last) }, body };
  };
}

const offsets = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).Offset);

test('without flags: the last twenty', async () => {
  const agent = await fakeAgent(log(1, 2_500));
  const { code, out } = await rollcall(['events', '--format', 'json', '--http-addr', agent.address]);
  expect(code).toBe(0);
  expect(offsets(out)).toEqual(Array.from({ length: 20 }, (_, index) => 2_481 + index));
});

test('--after: everything behind that number, page by page', async () => {
  const agent = await fakeAgent(log(1, 2_500));
  const { out } = await rollcall([
    'events',
    '--after',
    '10',
    '--format',
    'json',
    '--http-addr',
    agent.address,
  ]);
  expect(offsets(out)).toEqual(Array.from({ length: 2_490 }, (_, index) => 11 + index));
});

test('what was trimmed is shown as a gap', async () => {
  const agent = await fakeAgent(log(100, 101));
  const { out } = await rollcall(['events', '--after', '10', '--http-addr', agent.address]);
  expect(out.split('\n')).toEqual([
    '--- gap: events 11 to 99 missing (trimmed) ---',
    '   100  2026-11-22T03:12:00.000Z  check.changed   web-1/http  passing → critical',
    '   101  2026-11-22T03:12:00.000Z  check.changed   web-1/http  passing → critical',
    '',
  ]);
});

test('filters are passed on, each as often as it was given', async () => {
  const agent = await fakeAgent(log(1, 5));
  await rollcall(
    [
      'events',
      '--kind',
      'node.failed',
      '--kind',
      'node.left',
      '--node',
      'a b',
      '--http-addr',
      agent.address,
    ].concat(['--filter', 'Node == "a"']),
  );
  const { query } = agent.requests.at(-1)!;
  expect(query.getAll('kind')).toEqual(['node.failed', 'node.left']);
  expect(query.get('node')).toBe('a b');
  expect(query.get('filter')).toBe('Node == "a"');
});

test('an offset from the future is refused by the agent, and its words are shown', async () => {
  const agent = await fakeAgent(({ query }) =>
    Number(query.get('after')) > 5
      ? { status: 400, body: 'the offset lies beyond the end of the log' }
      : { headers: { 'X-Rollcall-Offset': '5' }, body: [] },
  );
  expect(await rollcall(['events', '--after', '77', '--http-addr', agent.address])).toEqual({
    code: 1,
    out: '',
    error: 'rollcall: the offset lies beyond the end of the log\n',
  });
});

test('--follow goes on behind the last record when the connection breaks', async () => {
  const asked: (string | null)[] = [];
  const agent = await fakeAgent((request) => {
    if (request.path === '/v1/events') return { headers: { 'X-Rollcall-Offset': '3' }, body: [] };
    const after = request.query.get('after');
    asked.push(after);
    expect(request.headers.accept).toBe('application/x-ndjson');
    if (after === '3') {
      return {
        stream: (response) => {
          response.write(
            `${JSON.stringify(event(4))}\n{"Position":9}\n{"Gap":{"From":10,"To":11,"Reason":"trimmed"}}\n`,
          );
          // Cut in the middle of a record.
          response.write('{"Schema":1,"Off', () => response.destroy());
        },
      };
    }
    const rest = [event(12), event(13)].map((one) => `${JSON.stringify(one)}\n`);
    return { stream: (response) => void response.write(rest.join('')) };
  });
  const { code, out, error } = await rollcall(['events', '--follow', '--http-addr', agent.address], {}, 3);
  expect(code).toBe(0);
  expect(asked).toEqual(['3', '11']);
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).slice(0, 3).join(' ')),
  ).toEqual([
    '4 2026-11-22T03:12:00.000Z check.changed',
    '--- gap: events',
    '12 2026-11-22T03:12:00.000Z check.changed',
  ]);
  expect(error).toMatch(/; trying again\nrollcall: connected again, going on after event 11\n$/);
});

test('--follow with nobody there fails at once', async () => {
  const { code, error } = await rollcall(['events', '--follow', '--http-addr', '127.0.0.1:1']);
  expect(code).toBe(1);
  expect(error).toContain('nobody answers at http://127.0.0.1:1');
});

test('--follow with a filter that is wrong does not try again', async () => {
  const agent = await fakeAgent(({ path }) =>
    path === '/v1/events'
      ? { headers: { 'X-Rollcall-Offset': '3' }, body: [] }
      : { status: 400, body: 'filter: column 3: expected a value' },
  );
  expect(await rollcall(['events', '--follow', '--filter', 'x', '--http-addr', agent.address])).toMatchObject(
    {
      code: 1,
      error: 'rollcall: filter: column 3: expected a value\n',
    },
  );
});

test('--exec runs a command for each event; one that fails is told and the rest goes on', async () => {
  const agent = await fakeAgent(log(1, 2));
  const argv = [
    'events',
    '--after',
    '0',
    '--exec',
    'test "$ROLLCALL_OFFSET" = 2',
    '--http-addr',
    agent.address,
  ];
  const { code, out, error } = await rollcall(argv);
  expect({ code, lines: out.trim().split('\n').length }).toEqual({ code: 0, lines: 2 });
  expect(error).toBe('rollcall: event 1: the command ended with exit code 1\n');
});

test('--exec with a command that never ends: it is ended when its time is up, and the next event has its turn', async () => {
  const agent = await fakeAgent(log(1, 2));
  const argv = ['events', '--after', '0', '--exec', 'sleep 300', '--exec-timeout', '100ms'];
  const { code, error } = await rollcall([...argv, '--http-addr', agent.address]);
  expect(code).toBe(0);
  expect(error).toBe(
    [1, 2].map((n) => `rollcall: event ${n}: the command was ended, it took longer than 100 ms\n`).join(''),
  );
});

test('--local asks for what the agent heard by gossip, and --follow goes on with it', async () => {
  const local = { ...event(1), Offset: undefined, Omitted: 0 };
  const agent = await fakeAgent(({ path }) =>
    path === '/v1/events/local'
      ? { body: [local] }
      : { stream: (response) => response.write(`${JSON.stringify(local)}\n{"Position":0}\n`) },
  );
  const at = ['--http-addr', agent.address];
  const list = await rollcall(['events', '--local', '--last', '5', '--node', 'web-1', ...at]);
  expect(list.out).toBe(' local  2026-11-22T03:12:00.000Z  check.changed   web-1/http  passing → critical\n');
  expect([...agent.requests[0]!.query].join(' ')).toBe('node,web-1 limit,5');
  const follow = await rollcall(['events', '--local', '--follow', '--format', 'json', ...at], {}, 1);
  expect(JSON.parse(follow.out)).toMatchObject({ Kind: 'check.changed', Omitted: 0 });
  expect(agent.requests.at(-1)!.path).toBe('/v1/events/local/stream');
  expect(await rollcall(['events', '--local', '--after', '5', ...at])).toMatchObject({ code: 2 });
});
