import { expect, test } from 'vitest';
import type { StreamFailure } from '../../agent/gossip/streams.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { VirtualClock } from './clock.ts';
import { calm, VirtualNetwork, type Weather } from './network.ts';
import { SeededRandom } from './random.ts';

const a: Endpoint = { host: '10.0.0.1', port: 1 };
const b: Endpoint = { host: '10.0.0.2', port: 2 };
const c: Endpoint = { host: '10.0.0.3', port: 3 };

function make(weather: Partial<Weather> = {}, seed = 'network') {
  const clock = new VirtualClock();
  const network = new VirtualNetwork(clock, new SeededRandom(seed), { ...calm, ...weather });
  const arrived: string[] = [];
  const listen = (at: Endpoint, answer: string | null = null) =>
    network.listen(at, {
      receivePacket: (from, packet) =>
        arrived.push(`${from.port}→${at.port} ${Buffer.from(packet).toString()}`),
      acceptStream: () => ({
        receive: (bytes) => {
          arrived.push(Buffer.from(bytes).toString());
          const done = Buffer.from(bytes).toString().endsWith('?');
          return done ? { done, reply: answer === null ? null : Buffer.from(answer) } : { done: false };
        },
        fail: (reason) => arrived.push(`server: ${reason}`),
      }),
    });
  const send = (from: Endpoint, to: Endpoint, text: string) => network.send(from, to, Buffer.from(text));
  const ask = (from: Endpoint, to: Endpoint, text: string) => {
    const heard: string[] = [];
    let answer = '';
    network.exchange(from, to, Buffer.from(text), 1_000, {
      receive: (bytes) => {
        answer += Buffer.from(bytes).toString();
        if (!answer.endsWith('!')) return { done: false };
        heard.push(answer);
        return { done: true, reply: null };
      },
      fail: (reason: StreamFailure) => heard.push(reason),
    });
    return heard;
  };
  return { clock, network, arrived, listen, send, ask };
}

test('on a calm day a packet arrives after a while', () => {
  const { clock, arrived, listen, send } = make({ delayMinMs: 5, delayMaxMs: 6 });
  listen(b);
  send(a, b, 'hello');
  clock.runFor(4);
  expect(arrived).toEqual([]);
  clock.runFor(3);
  expect(arrived).toEqual(['1→2 hello']);
});

test('packets are lost, doubled and overtaken as often as the weather says', () => {
  const { clock, arrived, listen, network, send } = make({
    lossShare: 0.2,
    duplicateShare: 0.1,
    delayMinMs: 0,
    delayMaxMs: 100,
  });
  listen(b);
  for (let i = 0; i < 10_000; i++) send(a, b, `${i}`);
  clock.runFor(1_000);
  expect(arrived.length).toBeGreaterThan(8_600);
  expect(arrived.length).toBeLessThan(9_000);
  expect(arrived.length - new Set(arrived).size).toBeGreaterThan(600);
  expect([...new Set(arrived)]).not.toEqual(
    [...new Set(arrived)].sort((x, y) => Number(x.slice(4)) - Number(y.slice(4))),
  );
  expect(network.counters).toMatchObject({ packets: 10_000 });
});

test('islands, one-way cuts and dark hosts stop what would pass', () => {
  const { clock, arrived, listen, network, send } = make();
  for (const at of [a, b, c]) listen(at);
  const all = () => {
    arrived.length = 0;
    for (const from of [a, b, c]) for (const to of [a, b, c]) if (from !== to) send(from, to, '');
    clock.runFor(10);
    return arrived.map((line) => line.trim()).sort();
  };
  network.partition([[a.host], [b.host, c.host]]);
  expect(all()).toEqual(['2→3', '3→2']);
  network.heal();
  network.cut(a.host, b.host);
  expect(all()).toEqual(['1→3', '2→1', '2→3', '3→1', '3→2']);
  network.heal();
  network.power(c.host, false);
  expect(all()).toEqual(['1→2', '2→1']);
  network.power(c.host, true);
  expect(all()).toHaveLength(6);
});

test('what is under way when the way is cut does not arrive', () => {
  const { clock, arrived, listen, network, send } = make({ delayMinMs: 50, delayMaxMs: 51 });
  listen(b);
  send(a, b, 'hello');
  clock.runFor(20);
  network.cut(a.host, b.host);
  clock.runFor(100);
  expect(arrived).toEqual([]);
});

test('a stream brings one question there and at most one answer back, torn as it comes', () => {
  const { clock, arrived, listen, ask } = make();
  listen(b, 'fine!');
  listen(c);
  const answered = ask(a, b, 'how are you?');
  const unanswered = ask(a, c, 'and you?');
  clock.runFor(100);
  expect(answered).toEqual(['fine!']);
  expect(unanswered).toEqual(['closed']);
  expect(arrived.join('')).toContain('and you?');
});

test('a closed port refuses, a dark host is silence', () => {
  const { clock, ask, listen, network } = make();
  const close = listen(b);
  close();
  const refused = ask(a, b, 'anybody?');
  network.power(c.host, false);
  const silent = ask(a, c, 'anybody?');
  clock.runFor(500);
  expect([refused, silent]).toEqual([['refused'], []]);
  clock.runFor(600);
  expect(silent).toEqual(['timeout']);
});

test('a knock brings a packet to who is there; a host that is up answers for a closed port, a dark one does not', () => {
  const { arrived, clock, listen, network } = make();
  const echoes: string[] = [];
  const knock = (to: typeof a) =>
    network.knock(a, to, Buffer.from('knock'), 500, (echo) => echoes.push(`${to.host} ${echo}`));
  const close = listen(b);
  knock(b);
  clock.runFor(100);
  close();
  network.power(c.host, false);
  for (const to of [b, c]) knock(to);
  clock.runFor(500);
  expect(arrived).toHaveLength(1);
  expect(echoes).toEqual([`${b.host} unreachable`]);
});

test('a question that is never finished is dropped by the server', () => {
  const { clock, ask, arrived, listen } = make();
  listen(b, 'fine!');
  const heard = ask(a, b, 'how are');
  clock.runFor(2_000);
  expect(arrived.at(-1)).toBe('server: closed');
  expect(heard).toEqual(['timeout']);
});

test('equal runs leave equal traces, different ones do not', () => {
  const trace = (seed: string) => {
    const { clock, listen, network, send } = make({ lossShare: 0.5 }, seed);
    listen(b);
    for (let i = 0; i < 20; i++) send(a, b, `${i}`);
    clock.runFor(100);
    return network.traceHash;
  };
  expect(trace('x')).toBe(trace('x'));
  expect(trace('x')).not.toBe(trace('y'));
});
