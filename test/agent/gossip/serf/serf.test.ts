import { expect, test } from 'vitest';
import type { MembershipChange } from '../../../../agent/gossip/membership.ts';
import { Serf } from '../../../../agent/gossip/serf/serf.ts';
import { queryFlagNoBroadcast, type SerfMessage } from '../../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../../proto/gossip/serf.ts';
import { stage } from '../stage.ts';

function make() {
  const scene = stage();
  const { keyring, parts, take } = scene;
  const changes: string[] = [];
  const ignore = () => {};
  const serf = new Serf({
    parts,
    keyring,
    reports: {
      onChange: ({ kind, member }: MembershipChange) =>
        changes.push(`${member.name} ${kind} (${member.state})`),
      onUserEvent: ignore,
      onQuery: ignore,
      onKeysChanged: ignore,
      reconnect: ignore,
    },
  });
  const told = (): SerfMessage[] => {
    const messages = parts.outbox.broadcasts.take(1_000, 0);
    return messages.map((bytes) => decodeSerf(bytes.subarray(1)).message!);
  };
  return { ...scene, serf, changes, told, take };
}

test('members come, fail, come back, leave and are forgotten', () => {
  const { changes, meet, parts, serf } = make();
  const web = meet('web');
  const { number } = web;
  parts.roll.erase(number);
  serf.onAlive(number);
  parts.members.mark(number, 'dead', 1, 0);
  serf.onGone(number, null);
  parts.members.announce(web, 2, 0);
  serf.onAlive(number);
  serf.onUpdated(number);
  serf.receive(encodeSerf({ type: 'serf.leave', ltime: 5, node: 'web', prune: false }));
  parts.members.mark(number, 'dead', 2, 0);
  serf.onGone(number, null);
  expect(changes).toEqual([
    'web joined (alive)',
    'web failed (failed)',
    'web recovered (alive)',
    'web updated (alive)',
    'web left (left)',
  ]);
});

test('a goodbye whose intent was lost on the way is no failure', () => {
  const { changes, meet, parts, serf } = make();
  const { number } = meet('web');
  parts.members.mark(number, 'left', 1, 0);
  serf.onGone(number, null);
  expect(changes).toEqual(['web left (left)']);
});

test('news is passed on as it came, once', () => {
  const { meet, serf, told } = make();
  meet('web');
  const messages: SerfMessage[] = [
    { type: 'serf.join', ltime: 5, node: 'web' },
    { type: 'serf.userEvent', ltime: 5, name: 'deploy', payload: null, cc: true },
  ];
  for (const message of messages) for (let i = 0; i < 3; i++) serf.receive(encodeSerf(message));
  expect(told()).toEqual(messages);
});

test('a query that asks not to be passed on is not', () => {
  const { serf, told } = make();
  const query = {
    type: 'serf.query' as const,
    ltime: 4,
    id: 1,
    addr: Uint8Array.of(10, 0, 0, 9),
    port: 8301,
    sourceNode: 'x',
    filters: [],
    flags: queryFlagNoBroadcast,
    relayFactor: 0,
    timeoutNs: 1e9,
    name: 'load',
    payload: null,
  };
  serf.receive(encodeSerf(query));
  serf.receive(encodeSerf({ ...query, id: 2, flags: 0 }));
  expect(told()).toMatchObject([{ type: 'serf.query', id: 2 }]);
});

test('what shall be passed on to somebody else is', () => {
  const { meet, serf, take } = make();
  const web = meet('web');
  const inner = encodeSerf({ type: 'serf.join', ltime: 1, node: 'x' });
  const relay = { type: 'serf.relay' as const, destZone: '', destName: 'web', inner };
  serf.receive(encodeSerf({ ...relay, destAddr: web.addr, destPort: 8301 }));
  serf.receive(encodeSerf({ ...relay, destAddr: new Uint8Array(2), destPort: 8301 }));
  expect(take('web')).toEqual([{ type: 'user', payload: inner }]);
});

test('what cannot be read, or stands where it does not belong, is counted', () => {
  const { parts, serf } = make();
  serf.receive(Uint8Array.of(77));
  serf.receive(encodeSerf({ type: 'serf.keyRequest', key: new Uint8Array(16) }));
  expect(parts.counters.get('serf_refused_unknown-type')).toBe(1);
  expect(parts.counters.get('serf_refused_misplaced')).toBe(1);
});

test('our own words take the next Lamport time', () => {
  const { meet, parts, serf, told } = make();
  parts.roll.setStatus(meet('dead').number, 'failed');
  serf.announceJoin();
  serf.announceLeave('dead', true, null);
  expect(told()).toEqual([
    { type: 'serf.leave', ltime: 2, node: 'dead', prune: true },
    { type: 'serf.join', ltime: 1, node: 'me' },
  ]);
  expect(parts.roll.ltime(parts.self.number)).toBe(1);
});

test('when the roll is full, who has been gone longest is forgotten first', () => {
  const { changes, clock, meet, parts, serf } = make();
  for (const name of ['old', 'older', 'new', 'here']) meet(name);
  for (const name of ['older', 'old', 'new']) {
    const number = parts.records.numberOf(name)!;
    parts.roll.setStatus(number, name === 'old' ? 'left' : 'failed');
    clock.runFor(1_000);
  }
  expect(parts.roll.longestGone(2).map((number) => parts.roll.record(number).name)).toEqual(['older', 'old']);
  serf.makeRoom();
  expect(changes).toEqual(['older reaped (failed)', 'old reaped (left)', 'new reaped (failed)']);
  expect(parts.roll.count).toBe(2);
});
