import { beforeEach, expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import { Reconcile } from '../../server/reconcile.ts';
import { VirtualClock } from '../sim/clock.ts';
import { FakeGossip, silent } from './fakes.ts';
import { checkOf, identityOf, put, Story } from './story.ts';

const hourMs = 60 * 60 * 1000;

let clock: VirtualClock;
let gossip: FakeGossip;
let story: Story;
let proposed: string[];
/** While set, this server is no leader and every proposal fails. */
let isDeposed: boolean;
let reconcile: Reconcile;

beforeEach(() => {
  clock = new VirtualClock();
  gossip = new FakeGossip();
  story = new Story();
  proposed = [];
  isDeposed = false;
  reconcile = new Reconcile({
    gossip,
    clock,
    logger: silent,
    datacenter: 'dc1',
    state: () => story.fsm.state,
    propose,
  });
});

async function propose(body: CommandBody): Promise<void> {
  proposed.push(body.kind);
  await Promise.resolve();
  if (isDeposed) throw new ExpectedError('NOT_LEADER');
  story.timeMs = clock.wallMs();
  story.commit(body);
}

test('a new leader compares everything at once', async () => {
  story.alive('web-1');
  story.alive('web-2');
  story.news();
  gossip.hear('web-1', { state: 'failed' });
  gossip.hear('web-2');
  gossip.hear('web-3');
  reconcile.lead();
  await clock.settleFor(1_000);
  expect(story.news()).toEqual(['node.joined >alive', 'node.failed alive>failed']);
  expect(story.fsm.state.catalog.node('web-3')).toMatchObject({
    id: 'id-web-3',
    address: '10.0.0.1',
    incarnation: 1,
  });
});

test('whoever does not lead writes nothing', async () => {
  reconcile.lead();
  reconcile.follow();
  gossip.hear('web-1');
  await clock.settleFor(120_000);
  expect(proposed).toEqual([]);
});

test('a verdict waits a moment for the dossier of the accuser', async () => {
  story.alive('web-1');
  reconcile.lead();
  gossip.hear('web-1', { state: 'failed' });
  await clock.settleFor(200);
  expect(proposed).toEqual([]);
  reconcile.receiveDossier({
    node: 'web-1',
    nodeId: 'id-web-1',
    incarnation: 1,
    evidence: { tcp: 'refused' },
  });
  await clock.settleFor(1);
  expect(story.events.at(-1)).toMatchObject({ Kind: 'node.failed', Evidence: { tcp: 'refused' } });
});

test('a dossier that comes too late becomes an event that refers to the verdict', async () => {
  story.alive('web-1');
  reconcile.lead();
  gossip.hear('web-1', { state: 'failed' });
  await clock.settleFor(301);
  expect(story.events.at(-1)).toMatchObject({ Kind: 'node.failed', Evidence: null, Offset: 2 });
  const dossier = { node: 'web-1', nodeId: 'id-web-1', incarnation: 1, evidence: { tcp: 'refused' } };
  reconcile.receiveDossier(dossier);
  await clock.settleFor(1);
  expect(story.events.at(-1)).toMatchObject({ Kind: 'node.evidence', Ref: 2, Evidence: { tcp: 'refused' } });
});

test('a dossier of this very agent needs no waiting, and one that came early is not forgotten', async () => {
  story.alive('web-1');
  story.alive('web-2');
  reconcile.lead();
  reconcile.receiveDossier({ node: 'web-2', nodeId: 'id-web-2', incarnation: 1, evidence: 'early' });
  gossip.hear('web-1', { state: 'failed' }, 'own');
  gossip.hear('web-2', { state: 'failed' });
  await clock.settleFor(0);
  const evidence = story.events.slice(2).map((event) => [event.Kind, event.Evidence]);
  expect(evidence).toEqual([
    ['node.failed', 'own'],
    ['node.failed', 'early'],
  ]);
});

test('nobody is failed whom our own gossip believes alive: it refuted while the dossier was awaited', async () => {
  story.alive('web-1');
  reconcile.lead();
  gossip.hear('web-1', { state: 'failed' });
  await clock.settleFor(100);
  gossip.hear('web-1', { state: 'alive', incarnation: 2 });
  reconcile.receiveDossier({ node: 'web-1', nodeId: 'id-web-1', incarnation: 1, evidence: 'x' });
  await clock.settleFor(1_000);
  expect(proposed).toEqual([]);
});

test('a dossier alone fails nobody', async () => {
  story.alive('web-1');
  gossip.hear('web-1');
  reconcile.lead();
  reconcile.receiveDossier({ node: 'web-1', nodeId: 'id-web-1', incarnation: 1, evidence: 'x' });
  await clock.settleFor(1_000);
  expect(proposed).toEqual([]);
});

test('failed, back, and failed again while the first proposal was under way', async () => {
  story.alive('web-1');
  reconcile.lead();
  gossip.hear('web-1', { state: 'failed' }, 'first');
  gossip.hear('web-1', { state: 'alive', incarnation: 2 });
  await clock.settleFor(0);
  gossip.hear('web-1', { state: 'failed' }, 'second');
  await clock.settleFor(1_000);
  expect(story.fsm.state.catalog.node('web-1')?.state).toBe('failed');
  expect(story.events.at(-1)?.Evidence).toBe('second');
});

test('a goodbye is no failure; what an operator removed had failed before', async () => {
  story.alive('web-1');
  story.alive('web-2');
  story.failed('web-2');
  reconcile.lead();
  gossip.hear('web-1', { state: 'leaving' });
  gossip.hear('web-1', { state: 'left' });
  gossip.hear('web-2', { state: 'left' });
  await clock.settleFor(1_000);
  const left = story.events.filter((event) => event.Kind === 'node.left');
  expect(left.map((event) => [event.Node, event.Cause])).toEqual([
    ['web-1', 'leave'],
    ['web-2', 'operator'],
  ]);
});

test('a name that gossip gave to another node id ends the life of its former holder', async () => {
  story.alive('web-1', 'old');
  story.news();
  gossip.hear('web-1', { id: 'new' });
  reconcile.lead();
  await clock.settleFor(1_000);
  expect(story.news()).toEqual(['node.failed alive>failed', 'node.recovered failed>alive']);
  expect(story.fsm.state.catalog.node('web-1')).toMatchObject({ id: 'new', life: 2 });
});

test('a node that failed is forgotten after 72 hours, also when gossip has forgotten it before', async () => {
  story.timeMs = clock.wallMs();
  story.alive('web-1');
  story.failed('web-1');
  reconcile.lead();
  await clock.settleFor(71 * hourMs);
  expect(story.fsm.state.catalog.node('web-1')?.state).toBe('failed');
  await clock.settleFor(2 * hourMs);
  expect(story.fsm.state.catalog.node('web-1')).toBeUndefined();
  expect(story.events.at(-1)).toMatchObject({ Kind: 'node.reaped', Cause: 'reap' });
});

test('a living row that gossip does not know is failed after a whole interval, not at first sight', async () => {
  story.alive('web-1');
  reconcile.lead();
  await clock.settleFor(59_000);
  expect(proposed).toEqual([]);
  await clock.settleFor(2_000);
  expect(story.events.at(-1)).toMatchObject({ Kind: 'node.failed', Node: 'web-1' });
});

test('a proposal that failed is repeated by the next comparison, not in a loop', async () => {
  isDeposed = true;
  gossip.hear('web-1');
  reconcile.lead();
  await clock.settleFor(59_000);
  expect(proposed).toHaveLength(1);
  isDeposed = false;
  await clock.settleFor(2_000);
  expect(story.news()).toEqual(['node.joined >alive']);
});

test('an agent that speaks to us is back in the catalog before its words are', async () => {
  story.journal('web-1', [put(1, checkOf('http'))]);
  story.commit({ kind: 'node.left', v: 1, node: 'web-1', life: 1, cause: 'leave' });
  gossip.hear('web-1', { state: 'left' });
  reconcile.lead();
  await reconcile.introduce(identityOf('web-1'));
  expect(story.fsm.state.catalog.node('web-1')?.state).toBe('left');
  gossip.hear('web-1', { state: 'alive' });
  await reconcile.introduce(identityOf('web-1'));
  expect(story.fsm.state.catalog.node('web-1')?.state).toBe('alive');
});

test('external nodes are none of gossip’s business, unless an agent with that name appears', async () => {
  const node = {
    name: 'db',
    id: '',
    address: '10.1.0.1',
    datacenter: 'dc1',
    taggedAddresses: null,
    meta: null,
  };
  const body = { kind: 'catalog.register' as const, v: 1 as const, service: null, checks: [] };
  story.commit({ ...body, node: { ...node, skipUpdate: false } });
  reconcile.lead();
  await clock.settleFor(200_000);
  expect(proposed).toEqual([]);
  gossip.hear('db');
  await clock.settleFor(0);
  expect(story.fsm.state.catalog.node('db')).toMatchObject({ external: false, id: 'id-db' });
});
