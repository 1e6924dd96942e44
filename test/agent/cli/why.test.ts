import { expect, test } from 'vitest';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';
import { ask } from './stage.ts';

const evidence = {
  node: 'web-2',
  judge: 'server-1',
  accuser: 'web-1',
  reason: 'silence',
  suspectedAt: '2026-11-22T03:11:57.000Z',
  verdictAt: '2026-11-22T03:12:01.000Z',
  suspicion: { minMs: 4000, maxMs: 24_000, tookMs: 4100, confirmationsWanted: 3 },
  confirmations: [{ from: 'web-1', afterMs: 150 }],
  firstProbe: {
    at: '2026-11-22T03:11:56.000Z',
    address: '10.0.0.2:8301',
    timeoutMs: 500,
    intervalMs: 1000,
    helpers: [
      { name: 'a', answer: 'nack' },
      { name: 'b', answer: 'silence' },
    ],
    tcp: 'silence',
  },
  lastProbe: {
    at: '2026-11-22T03:12:00.000Z',
    address: '10.0.0.2:8301',
    timeoutMs: 500,
    intervalMs: 1000,
    helpers: [],
    tcp: 'not tried',
  },
  localHealth: 0,
  loopLagMs: 12,
  members: 5,
};

function event(Offset: number, fields: Partial<HealthEvent> & Pick<HealthEvent, 'Kind'>): HealthEvent {
  return { ...draftEvent(fields), Schema: 1, Offset, Time: '2026-11-22T03:12:01.200Z', Node: 'web-2' };
}

function log(...body: HealthEvent[]) {
  return { 'GET /v1/events': { headers: { 'X-Rollcall-Offset': '50' }, body } };
}

test('the last failure as a story, with what happened since', async () => {
  const answers = log(
    event(10, { Kind: 'node.failed', Evidence: { another: 'time' } }),
    event(40, { Kind: 'node.failed', Evidence: evidence }),
    event(44, { Kind: 'node.recovered', From: 'failed', To: 'alive', Cause: 'join' }),
  );
  const { code, out, requests } = await ask(answers, ['why', 'web-2']);
  expect(code).toBe(0);
  expect(requests.at(-1)!.query.getAll('kind')).toContain('node.failed');
  expect(out.split('\n')).toEqual([
    'web-2 was declared failed at 2026-11-22T03:12:01.200Z (event 40).',
    '  2026-11-22T03:11:56.000Z  server-1 asked 10.0.0.2:8301 and had no answer within 500 ms.',
    '  Asked to try as well: a (reached nobody either), b (not heard of again).',
    '  A TCP ping: silence.',
    '  2026-11-22T03:11:57.000Z  web-1 suspected it; it had 4s to 24s to object.',
    '  Confirmed by web-1 after 150ms.',
    '  2026-11-22T03:12:00.000Z  server-1 asked 10.0.0.2:8301 and had no answer within 500 ms.',
    '  2026-11-22T03:12:01.000Z  After 4.1s server-1 declared it failed: it did not object in time.',
    '  server-1 was well; its longest stall was 12ms. It knew 5 members.',
    'Since then:',
    '    44  2026-11-22T03:12:01.200Z  node.recovered  web-2  failed → alive  (by join)',
    '',
  ]);
});

test('evidence that came late belongs to its verdict; evidence of another shape is shown as it is', async () => {
  const answers = log(
    event(40, { Kind: 'node.failed' }),
    event(41, { Kind: 'node.evidence', Ref: 39, Evidence: { other: 'verdict' } }),
    event(42, { Kind: 'node.evidence', Ref: 40, Evidence: { shape: 'new' } }),
  );
  const { out } = await ask(answers, ['why', 'web-2']);
  expect(out).toContain('\n  {"shape":"new"}\n');
  expect(out).not.toContain('other');
});

test('without evidence, and without a failure', async () => {
  expect((await ask(log(event(40, { Kind: 'node.failed' })), ['why', 'web-2'])).out).toContain(
    'No evidence reached the log.',
  );
  expect(await ask(log(), ['why', 'web-2'])).toMatchObject({
    code: 1,
    error: 'rollcall: no failure of web-2 is among the last 100000 events\n',
  });
});

test('with no server, what the agent saw itself', async () => {
  const { Offset: _, ...failed } = event(40, { Kind: 'node.failed', Evidence: evidence });
  const local = { ...failed, Omitted: 0 };
  const answers = (body: object[]) => ({
    'GET /v1/events': { status: 500, body: 'No known Consul servers' },
    'GET /v1/events/local': { body },
  });
  const recovered = { ...local, Kind: 'node.recovered', From: 'failed', To: 'alive' };
  const { code, out } = await ask(answers([local, recovered]), ['why', 'web-2']);
  expect(code).toBe(0);
  expect(out.split('\n').slice(0, 3)).toEqual([
    'The log cannot be read (No known Consul servers); this is what the agent saw itself.',
    'web-2 was declared failed at 2026-11-22T03:12:01.200Z.',
    '  2026-11-22T03:11:56.000Z  server-1 asked 10.0.0.2:8301 and had no answer within 500 ms.',
  ]);
  expect(out).toMatch(/Since then:\n local .* node\.recovered/);
  const hearsay = await ask(answers([{ ...local, Evidence: null }]), ['why', 'web-2']);
  expect(hearsay.out).toContain('The verdict was not its own.');
  expect(await ask(answers([]), ['why', 'web-2'])).toMatchObject({
    code: 1,
    error:
      'rollcall: no failure of web-2 is in what this agent saw itself; the log: No known Consul servers\n',
  });
});
