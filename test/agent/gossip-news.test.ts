import { expect, onTestFinished, test } from 'vitest';
import { GossipNews } from '../../agent/gossip-news.ts';
import { type GossipMembership, startGossip } from '../../agent/gossip-thread.ts';
import { LocalState } from '../../agent/local-state.ts';
import { realClock } from './http/stage.ts';

/** An agent's gossip with its news, and the rows of its checks. */
async function agent(node: string) {
  const membership = await startGossip({ name: node, bind: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => membership.stop());
  const state = new LocalState({ wallMs: () => 0, record: () => {} });
  const news = new GossipNews({ clock: realClock, node, membership, state });
  onTestFinished(() => news.stop());
  return { membership, state, news };
}

const addressOf = ({ local }: GossipMembership) => `${local.host}:${local.port}`;

const http = {
  id: 'http',
  name: 'http',
  notes: '',
  status: 'passing' as const,
  output: '',
  serviceId: '',
  type: 'http',
  definition: {},
};

test('a check that fails on one agent is known on the other one, and on its own, without any server', async () => {
  const [one, two] = [await agent('one'), await agent('two')];
  await two.membership.join([addressOf(one.membership)]);
  one.state.putCheck(http);
  one.state.changeStatus('http', 'critical', 'HTTP 503', 'check');
  for (const { news } of [one, two]) {
    await expect
      .poll(() => news.localEvents.list().filter(({ Kind }) => Kind === 'check.changed'))
      .toMatchObject([{ Node: 'one', Check: 'http', From: 'passing', To: 'critical', Output: 'HTTP 503' }]);
  }
  expect(two.news.localEvents.list()).toMatchObject([{ Kind: 'node.joined', Node: 'one' }, {}]);
  expect(one.news.checks.counts()).toEqual({ told: 1, omitted: 0, waiting: 0 });
  expect(two.news.userEvents.list('')).toEqual([]);
});

test('a user event is listed and no local event; who is asked for its health answers', async () => {
  const one = await agent('one');
  one.state.putCheck(http);
  await one.membership.fireEvent({ name: 'deploy', payload: Buffer.from('v1'), coalesce: false });
  await expect.poll(() => one.news.userEvents.list('')).toMatchObject([{ Name: 'deploy' }]);
  expect(one.news.localEvents.list()).toEqual([]);
  const question = { payload: new Uint8Array(0), nodes: [], tags: {}, ack: false, relayFactor: 0 };
  const ask = (name: string) => one.membership.query({ ...question, name, timeoutMs: 300 });
  const [known, unknown] = await Promise.all([ask('rollcall:health'), ask('something else')]);
  expect(JSON.parse(Buffer.from(known.answers[0]!.payload).toString())).toMatchObject({
    Node: 'one',
    Checks: { passing: 1 },
  });
  expect(unknown.answers).toEqual([]);
});
