import { expect, test } from 'vitest';
import { LateGossipView } from '../../../agent/cli/gossip-view.ts';
import type { Member, Membership, MembershipChange } from '../../../agent/gossip/membership.ts';
import type { GossipNews } from '../../../server/gossip-view.ts';

const member: Member = {
  name: 'server-1',
  address: { host: '10.0.0.1', port: 8301 },
  tags: { id: 'f00', dc: 'dc1', rc_port: '8300', rc_expect: '3' },
  state: 'alive',
  incarnation: 4,
  sinceMs: 0,
  vsn: [1, 5, 2, 2, 5, 4],
};

function fakeMembership() {
  const listeners: Array<(change: MembershipChange) => void> = [];
  const membership = {
    members: () => [member],
    member: (name: string) => (name === member.name ? member : undefined),
    onChange: (listener: (change: MembershipChange) => void) => listeners.push(listener),
  } as unknown as Membership;
  return {
    membership,
    tell: (change: MembershipChange) => listeners.forEach((listener) => void listener(change)),
  };
}

test('before gossip runs nobody is there, afterwards members are seen as servers need them', () => {
  const view = new LateGossipView();
  expect(view.members()).toEqual([]);
  view.attach(fakeMembership().membership);
  expect(view.member('server-1')).toEqual({
    name: 'server-1',
    id: 'f00',
    host: '10.0.0.1',
    datacenter: 'dc1',
    state: 'alive',
    incarnation: 4,
    server: { rpc: { host: '10.0.0.1', port: 8300 }, expect: 3 },
  });
  expect(view.member('nobody')).toBeUndefined();
});

test('who listened before gossip ran hears of changes, with their dossiers, until he listens no more', () => {
  const view = new LateGossipView();
  const { membership, tell } = fakeMembership();
  const heard: GossipNews[] = [];
  const stop = view.onChange((news) => void heard.push(news));
  view.attach(membership);
  tell({ kind: 'failed', member: { ...member, state: 'failed' }, dossier: { Accuser: 'web-1' } });
  stop();
  tell({ kind: 'recovered', member, dossier: null });
  expect(heard).toMatchObject([
    { member: { name: 'server-1', state: 'failed' }, dossier: { Accuser: 'web-1' } },
  ]);
});
