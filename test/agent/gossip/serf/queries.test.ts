import { expect, test } from 'vitest';
import type { QueryRequest, QueryResult } from '../../../../agent/gossip/membership.ts';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';
import { Queries } from '../../../../agent/gossip/serf/queries.ts';
import { decodeFilter } from '../../../../proto/gossip/serf-filter.ts';
import { stage } from '../stage.ts';

const request: QueryRequest = {
  name: 'load',
  payload: Buffer.from('?'),
  nodes: [],
  tags: {},
  ack: true,
  relayFactor: 0,
  timeoutMs: 0,
};

function make() {
  const scene = stage();
  const { meet, parts } = scene;
  for (const name of ['a', 'b', 'c']) meet(name);
  const queries = new Queries({ parts, clock: new LamportClock(), roll: parts.roll });
  const results: QueryResult[] = [];
  const onDone = (result: QueryResult) => results.push(result);
  return { ...scene, queries, results, onDone };
}

const response = {
  type: 'serf.queryResponse' as const,
  ltime: 1,
  from: 'a',
  flags: 0,
  payload: Buffer.from('0.5'),
};

test('answers and acks are collected, one of each member, until the time is up', () => {
  const { clock, onDone, parts, queries, results } = make();
  const { query } = queries.ask(request, { onDone });
  expect(query).toMatchObject({
    ltime: 1,
    flags: 1,
    name: 'load',
    sourceNode: 'me',
    port: 8301,
    timeoutNs: 3.2e9,
  });
  const { id } = query;
  queries.hearResponse({ ...response, id, flags: 1, payload: null });
  queries.hearResponse({ ...response, id });
  queries.hearResponse({ ...response, id, payload: Buffer.from('repeated') });
  queries.hearResponse({ ...response, id: id + 1, from: 'b' });
  queries.hearResponse({ ...response, id, ltime: 2, from: 'b' });
  clock.runFor(3_199);
  expect(results).toEqual([]);
  clock.runFor(2);
  expect(results).toMatchObject([{ acks: ['a'], answers: [{ from: 'a', payload: Buffer.from('0.5') }] }]);
  queries.hearResponse({ ...response, id, from: 'c' });
  expect(parts.counters.get('query_responses_late')).toBe(3);
});

test('whoever knows how many will answer may end it early', () => {
  const { clock, onDone, queries, results } = make();
  const { query } = queries.ask(request, { onDone, onAnswer: (from) => from === 'b' });
  queries.hearResponse({ ...response, id: query.id });
  expect(results).toEqual([]);
  queries.hearResponse({ ...response, id: query.id, from: 'b' });
  expect(results).toHaveLength(1);
  clock.runFor(10_000);
  expect(results).toHaveLength(1);
});

test('whom it is meant for travels as filters', () => {
  const { onDone, queries } = make();
  const { query } = queries.ask(
    { ...request, nodes: ['a'], tags: { role: '^web' }, timeoutMs: 100 },
    { onDone },
  );
  expect(query.timeoutNs).toBe(100_000_000);
  expect(query.filters.map(decodeFilter)).toEqual([
    { kind: 'tag', tag: 'role', expression: '^web' },
    { kind: 'nodes', nodes: ['a'] },
  ]);
});

test('invented members do not fill our memory', () => {
  const { onDone, queries, results } = make();
  const { query } = queries.ask(request, { onDone });
  for (let i = 0; i < 1_000; i++) queries.hearResponse({ ...response, id: query.id, from: `nobody ${i}` });
  queries.stop();
  expect(results[0]?.answers.length).toBeLessThan(20);
});

test('a query that is too large is refused, and so is one too many', () => {
  const { onDone, queries } = make();
  expect(() => queries.ask({ ...request, payload: new Uint8Array(2_000) }, { onDone })).toThrow(
    'may take 1024 bytes',
  );
  for (let i = 0; i < 256; i++) queries.ask(request, { onDone });
  expect(() => queries.ask(request, { onDone })).toThrow('too many gossip queries');
});
