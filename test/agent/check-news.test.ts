import { expect, test } from 'vitest';
import {
  type CheckNews,
  checkEventName,
  decodeCheckNews,
  encodeCheckNews,
  newsBytesMax,
} from '../../agent/check-news.ts';
import { encodeSerf } from '../../proto/gossip/serf.ts';

const news: CheckNews = {
  node: 'web-1',
  service: 'shop',
  check: 'service:shop',
  from: 'passing',
  to: 'critical',
  cause: 'check',
  output: 'HTTP 503',
  observedAtMs: Date.UTC(2026, 10, 22, 3, 12),
  omitted: 3,
};

test('it comes back as it was, and a person can read it on the way', () => {
  const payload = encodeCheckNews(news)!;
  expect(decodeCheckNews(payload)).toEqual(news);
  expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
    Node: 'web-1',
    Check: 'service:shop',
    To: 'critical',
    Omitted: 3,
  });
  const plain = { ...news, service: '', omitted: 0, output: '' };
  expect(decodeCheckNews(encodeCheckNews(plain)!)).toEqual(plain);
});

test.each([
  ['plain', 'x'.repeat(4_096)],
  ['escapes', '"\n\u0001'.repeat(1_000)],
  ['of four bytes', '🔥'.repeat(1_000)],
  ['a lone surrogate', '\ud800'.repeat(1_000)],
])('long output is cut at a character: %s', (_name, output) => {
  const payload = encodeCheckNews({ ...news, output })!;
  expect(payload.length).toBeLessThanOrEqual(newsBytesMax);
  expect(payload.length).toBeGreaterThan(newsBytesMax - 8);
  const read = decodeCheckNews(payload)!;
  expect(read.output.endsWith('…')).toBe(true);
  expect(output.startsWith(read.output.slice(0, -1))).toBe(true);
});

test('output that just fits is not touched', () => {
  const room = newsBytesMax - encodeCheckNews({ ...news, output: 'x' })!.length + 1;
  for (const [length, isCut] of [
    [room, false],
    [room + 1, true],
  ] as const) {
    const read = decodeCheckNews(encodeCheckNews({ ...news, output: 'y'.repeat(length) })!)!;
    expect(read.output.includes('…')).toBe(isCut);
  }
});

test('with everything around it, it stays inside the 512 bytes of a user event', () => {
  const payload = encodeCheckNews({ ...news, output: 'x'.repeat(1_000) })!;
  const event = { type: 'serf.userEvent', ltime: 2 ** 40, name: checkEventName, payload, cc: false } as const;
  expect(encodeSerf(event).length).toBeLessThanOrEqual(512);
});

test('ids that leave no room are not sent', () => {
  expect(encodeCheckNews({ ...news, check: 'c'.repeat(500) })).toBeUndefined();
});

test('what strangers send in its place is refused', () => {
  const valid = JSON.parse(Buffer.from(encodeCheckNews(news)!).toString()) as object;
  const bad: unknown[] = [
    null,
    [],
    { ...valid, To: 'broken' },
    { ...valid, Node: '' },
    { ...valid, At: 'now' },
    { ...valid, At: 1e300 },
    { ...valid, Omitted: -1 },
    { ...valid, Output: 'x'.repeat(10_000) },
  ];
  for (const value of bad) expect(decodeCheckNews(Buffer.from(JSON.stringify(value)))).toBeUndefined();
  expect(decodeCheckNews(Buffer.from([0xff, 0x00]))).toBeUndefined();
});
