import { afterEach, expect, test, vi } from 'vitest';
import type { Api } from '../../../agent/cli/api.ts';
import { Confirmations } from '../../../agent/cli/named-source.ts';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';
import { fakeAgent, type Reply, type Request, rollcall } from './stage.ts';

function event(Offset: number): HealthEvent {
  const draft = draftEvent({ Kind: 'check.changed', Node: 'web-1', Check: 'http', To: 'critical' });
  return { ...draft, Schema: 1, Offset, Time: '2026-11-22T03:12:00.000Z' };
}

/** A log of five events that remembers one name, in pages of two. */
async function namedLog({ at, firstKept = 1, onAck }: Log) {
  const log = { position: at, acks: [] as number[] };
  const answer = (request: Request): Reply | undefined => {
    const { method, path, query, body } = request;
    if (method === 'PUT' && path === '/v1/events/cursors/a%2Fb') {
      const { Offset } = JSON.parse(body);
      const failure = onAck?.(log.acks.length);
      log.acks.push(Offset);
      if (failure !== undefined) return failure;
      log.position = Offset;
      return { body: {} };
    }
    if (path === '/v1/events/cursors/a%2Fb') {
      return log.position === undefined ? { status: 404 } : { body: [{ Share: '', Offset: log.position }] };
    }
    if (path !== '/v1/events') return undefined;
    const start = query.has('cursor') ? (log.position ?? 5) : 5;
    const after = Number(query.get('after') ?? start);
    if (query.get('after') !== '0' && after + 1 < firstKept) return { status: 410, body: 'gone' };
    const offsets = [1, 2, 3, 4, 5].filter((offset) => offset > after && offset >= firstKept).slice(0, 2);
    if (query.has('cursor')) log.position ??= 5;
    const headers = { 'X-Rollcall-Offset': String(offsets.at(-1) ?? 5), 'X-Rollcall-Log': 'log-1' };
    return { headers, body: offsets.map(event) };
  };
  return { log, agent: await fakeAgent(answer) };
}

interface Log {
  readonly at?: number;
  readonly firstKept?: number;
  readonly onAck?: (serial: number) => Reply | undefined;
}

function read(address: string, ...more: string[]) {
  return rollcall(['events', '--cursor', 'a/b', '--format', 'json', '--http-addr', address, ...more]);
}

function offsets(out: string): number[] {
  const lines = out.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line).Offset).filter((offset) => offset !== undefined);
}

test('it goes on behind what was confirmed, and confirms what it showed', async () => {
  const { log, agent } = await namedLog({ at: 2 });
  const first = await read(agent.address);
  expect(first).toMatchObject({ code: 0, error: '' });
  expect(offsets(first.out)).toEqual([3, 4, 5]);
  expect(log.acks.at(-1)).toBe(5);
  expect(offsets((await read(agent.address)).out)).toEqual([]);
});

test('a new name begins now', async () => {
  const { log, agent } = await namedLog({});
  const { code, out } = await read(agent.address);
  expect([code, offsets(out), log.position]).toEqual([0, [], 5]);
});

test('what is no longer kept is shown as a gap and passed over', async () => {
  const { log, agent } = await namedLog({ at: 1, firstKept: 4 });
  const { out } = await read(agent.address);
  expect(out.split('\n')[0]).toBe('{"Gap":{"From":2,"To":3,"Reason":"trimmed"}}');
  expect([offsets(out), log.position]).toEqual([[4, 5], 5]);
});

test('a command that fails has had its event; it is confirmed only behind it', async () => {
  const { log, agent } = await namedLog({ at: 3 });
  const { code, error } = await read(agent.address, '--exec', 'exit 1');
  expect(code).toBe(0);
  expect(error.match(/exit code 1/g)).toHaveLength(2);
  expect(log.acks.at(-1)).toBe(5);
});

test('a confirmation that fails once is made up for; one that goes on failing is told', async () => {
  const once = await namedLog({ at: 2, onAck: (serial) => (serial === 0 ? { status: 500 } : undefined) });
  expect((await read(once.agent.address)).code).toBe(0);
  expect(once.log.position).toBe(5);
  const never = await namedLog({ at: 2, onAck: () => ({ status: 500, body: 'No cluster leader' }) });
  expect(await read(never.agent.address)).toMatchObject({
    code: 1,
    error: 'rollcall: the last events were not confirmed: No cluster leader\n',
  });
});

test('--follow reads under the name, with its share, and goes on behind what came', async () => {
  const asked: string[] = [];
  const acks: string[] = [];
  const agent = await fakeAgent(({ method, path, query }) => {
    if (method === 'PUT') {
      acks.push(query.get('share')!);
      return { body: {} };
    }
    if (path !== '/v1/events/stream') return undefined;
    asked.push([query.get('cursor'), query.get('share'), query.get('after')].join());
    const lines = asked.length === 1 ? [event(3)] : [event(4), event(5)];
    return {
      stream: (response) => {
        for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
        if (asked.length === 1) setTimeout(() => response.destroy(), 50);
      },
    };
  });
  const at = ['--http-addr', agent.address, '--format', 'json'];
  const { code, out } = await rollcall(
    ['events', '--follow', '--cursor', 'p', '--share', '1/2', ...at],
    {},
    2,
  );
  expect([code, offsets(out)]).toEqual([0, [3, 4]]);
  expect(asked).toEqual(['p,1/2,', 'p,1/2,3']);
  expect(new Set(acks)).toEqual(new Set(['1/2']));
});

afterEach(() => void vi.useRealTimers());

test('while an event is at work for long, what was confirmed before is said again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const said: string[] = [];
  const put = async (_path: string, _query: object, body: string) => void said.push(body);
  const confirmations = new Confirmations({ put } as unknown as Api, { name: 'a', share: '' });
  confirmations.note(event(7));
  await confirmations.flush();
  expect(said).toEqual(['{"Offset":7}']);
  let end = () => {};
  const long = confirmations.during(new Promise((resolve) => (end = resolve)));
  vi.advanceTimersByTime(9_000);
  end();
  await long;
  vi.advanceTimersByTime(9_000);
  expect(said).toEqual(Array(4).fill('{"Offset":7}'));
});

test('a share without a name is wrong usage, and so is a name with an offset', async () => {
  expect(await rollcall(['events', '--share', '1/2'])).toMatchObject({ code: 2 });
  expect(await rollcall(['events', '--cursor', 'a', '--after', '1'])).toMatchObject({ code: 2 });
});
