import { expect, test } from 'vitest';
import type { UserEvent } from '../../agent/gossip/membership.ts';
import { indexOf, RecentUserEvents, userEventsKept } from '../../agent/user-events.ts';
import { encodeConsulEvent } from '../../proto/gossip/consul-event.ts';
import { VirtualClock } from '../sim/clock.ts';

const services = [{ name: 'shop', tags: ['v2', 'blue'] }];

function recent() {
  return new RecentUserEvents({ clock: new VirtualClock(), node: 'web-1', services: () => services });
}

function plain(name: string, payload = '', ltime = 1): UserEvent {
  return { name, payload: Buffer.from(payload), ltime, coalesce: false };
}

function consul(name: string, filters: { node?: string; service?: string; tag?: string } = {}): UserEvent {
  const payload = encodeConsulEvent({
    id: `d6622b14-57b0-e72e-e2c9-${name
      .padEnd(12, '0')
      .slice(0, 12)
      .replaceAll(/[^0-9a-f]/g, 'c')}`,
    name,
    payload: Buffer.from('v1'),
    nodeFilter: filters.node ?? '',
    serviceFilter: filters.service ?? '',
    tagFilter: filters.tag ?? '',
    version: 1,
  });
  return { name: `consul:event:${name}`, payload, ltime: 7, coalesce: false };
}

test("both kinds are listed in Consul's shape, oldest first", () => {
  const events = recent();
  events.receive(plain('deploy', 'some payload', 3));
  events.receive(consul('ping'));
  expect(events.list('')).toEqual([
    {
      ID: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      Name: 'deploy',
      Payload: 'c29tZSBwYXlsb2Fk',
      NodeFilter: '',
      ServiceFilter: '',
      TagFilter: '',
      Version: 0,
      LTime: 3,
    },
    {
      ID: expect.stringMatching(/^d6622b14/),
      Name: 'ping',
      Payload: 'djE=',
      NodeFilter: '',
      ServiceFilter: '',
      TagFilter: '',
      Version: 1,
      LTime: 7,
    },
  ]);
  expect(events.list('ping')).toHaveLength(1);
  expect(events.list('nope')).toEqual([]);
});

test('a plain event has the same id on every agent, and another one each time it is fired', () => {
  const [here, there] = [recent(), recent()];
  for (const events of [here, there]) events.receive(plain('deploy', 'x', 3));
  here.receive(plain('deploy', 'x', 4));
  const [first, second] = here.list('');
  expect(there.list('')[0]!.ID).toBe(first!.ID);
  expect(second!.ID).not.toBe(first!.ID);
  expect(recent().list('')).toEqual([]);
});

test('a payload of nothing is null', () => {
  const events = recent();
  events.receive(plain('ping'));
  expect(events.list('')[0]!.Payload).toBeNull();
});

test('an event that is meant for others is not listed', () => {
  const events = recent();
  const meant = [
    consul('a1', { node: 'web.*' }),
    consul('a2', { service: '^shop$' }),
    consul('a3', { service: 'shop', tag: 'v[0-9]' }),
    consul('a4', { node: 'eb-1', service: 'sh' }),
  ];
  const others = [
    consul('b1', { node: 'db' }),
    consul('b2', { service: 'db' }),
    consul('b3', { service: 'shop', tag: 'v1' }),
    consul('b4', { node: 'web', service: 'db' }),
    consul('b5', { node: '(' }),
  ];
  for (const event of [...others, ...meant]) events.receive(event);
  expect(events.list('').map(({ Name }) => Name)).toEqual(['a1', 'a2', 'a3', 'a4']);
});

test("what agents tell one another, Consul's other news and garbage are no user events", () => {
  const events = recent();
  events.receive(plain('rollcall:check', '{}'));
  events.receive(plain('consul:new-leader', 'server1'));
  events.receive(plain('consul:event:broken', 'no msgpack'));
  expect(events.list('')).toEqual([]);
});

test('the index is the last id folded in two, an unsigned number of 64 bits', () => {
  const [event] = (() => {
    const events = recent();
    events.receive(consul('x'));
    return events.list('');
  })();
  // As a real Consul 1.8.7 answered for this id.
  const recorded = { ...event!, ID: 'd6622b14-57b0-e72e-e2c9-c154db7b27ab' };
  expect(indexOf([recorded])).toBe(3795384673950744709n);
  expect(indexOf([])).toBe(1n);
  expect(indexOf([{ ...event!, ID: 'from a stranger' }])).toBe(1n);
});

test('the buffer is bounded, and a new event wakes who waits', async () => {
  const events = recent();
  for (let ltime = 1; ltime <= userEventsKept + 10; ltime++) events.receive(plain('tick', '', ltime));
  expect(events.list('')).toHaveLength(userEventsKept);
  expect(events.list('')[0]!.LTime).toBe(11);
  const woken = events.news(60_000, new AbortController().signal);
  events.receive(plain('tock'));
  await woken;
});
