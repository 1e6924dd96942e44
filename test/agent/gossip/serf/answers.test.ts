import { expect, test } from 'vitest';
import { Answers, type Respond } from '../../../../agent/gossip/serf/answers.ts';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';
import type { SerfMessage, SerfQuery } from '../../../../proto/gossip/messages.ts';
import { decodeSerf } from '../../../../proto/gossip/serf.ts';
import { encodeFilter } from '../../../../proto/gossip/serf-filter.ts';
import { stage } from '../stage.ts';

function make() {
  const scene = stage();
  const { meet, parts, take } = scene;
  const asker = meet('asker');
  const asked: { name: string; respond: Respond }[] = [];
  const answers = new Answers({
    parts,
    clock: new LamportClock(),
    onQuery: ({ name }, respond) => asked.push({ name, respond }),
  });
  const query: SerfQuery = {
    type: 'serf.query',
    ltime: 3,
    id: 99,
    addr: asker.addr,
    port: asker.port,
    sourceNode: 'asker',
    filters: [],
    flags: 1,
    relayFactor: 0,
    timeoutNs: 1e9,
    name: 'load',
    payload: null,
  };
  const heard = (name: string): SerfMessage[] =>
    take(name).flatMap((message) => (message.type === 'user' ? [decodeSerf(message.payload).message!] : []));
  return { ...scene, answers, query, asked, heard };
}

test('a query is acked and answered once, straight to the asker', () => {
  const { answers, asked, heard, query } = make();
  expect(answers.hear(query)).toBe(true);
  expect(heard('asker')).toMatchObject([
    { type: 'serf.queryResponse', id: 99, ltime: 3, from: 'me', flags: 1 },
  ]);
  asked[0]?.respond(Buffer.from('0.5'));
  asked[0]?.respond(Buffer.from('again'));
  expect(heard('asker')).toMatchObject([{ flags: 0, payload: Uint8Array.from(Buffer.from('0.5')) }]);
});

test('a repetition is recognised, an ack is sent only where one is wanted', () => {
  const { answers, asked, heard, query } = make();
  expect([answers.hear(query), answers.hear(query), answers.hear({ ...query, id: 100, flags: 0 })]).toEqual([
    true,
    false,
    true,
  ]);
  expect(heard('asker')).toHaveLength(1);
  expect(asked).toHaveLength(2);
});

test('an answer after the end of the time is not sent', () => {
  const { answers, asked, clock, heard, query } = make();
  answers.hear({ ...query, flags: 0 });
  clock.runFor(1_001);
  asked[0]?.respond(Buffer.from('late'));
  expect(heard('asker')).toEqual([]);
});

test('all filters must fit; what cannot be read fits nobody', () => {
  const { answers, asked, query } = make();
  const ask = (id: number, ...filters: Uint8Array[]) => answers.hear({ ...query, id, filters });
  const tag = (name: string, expression: string) => encodeFilter({ kind: 'tag', tag: name, expression });
  const nodes = (...names: string[]) => encodeFilter({ kind: 'nodes', nodes: names });
  expect(ask(1, nodes('me', 'x'), tag('id', '^my'))).toBe(true);
  ask(2, tag('missing', '^$'));
  expect(asked).toHaveLength(2);
  // Passed on all the same: others may be meant.
  expect(ask(3, nodes('x'))).toBe(true);
  ask(4, tag('id', '^other'));
  ask(5, tag('id', '('));
  ask(6, Uint8Array.of(9, 9));
  ask(7, nodes('me'), tag('id', '^other'));
  expect(asked).toHaveLength(2);
});

test('an answer that is too large is kept back and counted', () => {
  const { answers, asked, heard, parts, query } = make();
  answers.hear({ ...query, flags: 0 });
  asked[0]?.respond(new Uint8Array(2_000));
  expect(heard('asker')).toEqual([]);
  expect(parts.counters.get('query_responses_too_large')).toBe(1);
});

test('the same answer travels once more over others, where the asker wishes it', () => {
  const { answers, heard, meet, query } = make();
  for (const name of ['a', 'b', 'c']) meet(name);
  answers.hear({ ...query, relayFactor: 2 });
  const relayed = ['asker', 'a', 'b', 'c']
    .flatMap((name) => heard(name))
    .filter(({ type }) => type === 'serf.relay');
  expect(relayed).toHaveLength(2);
  expect(relayed[0]).toMatchObject({ destName: 'asker', destPort: 8301 });
  const { message } = decodeSerf(relayed[0]?.type === 'serf.relay' ? relayed[0].inner : new Uint8Array(0));
  expect(message).toMatchObject({ type: 'serf.queryResponse', flags: 1 });
});

test('what we have heard in the last life is not answered again', () => {
  const { answers, asked, query } = make();
  answers.ignoreBefore(4);
  expect([answers.hear(query), answers.hear({ ...query, ltime: 4 })]).toEqual([false, true]);
  expect(asked).toHaveLength(1);
});

test('an asker without an address gets no answer', () => {
  const { answers, query, sent } = make();
  answers.hear({ ...query, addr: new Uint8Array(3) });
  expect(sent).toEqual([]);
});
