import { expect, test } from 'vitest';
import { readStallNews } from '../../agent/stall-news.ts';

const read = (name: string, text: string) => readStallNews({ name, payload: Buffer.from(text) });

test('who stands still, since when, and who runs again', () => {
  expect(read('rollcall:agent-stalled', '{"Node":"web-2","Ms":5000}')).toEqual({
    node: 'web-2',
    kind: 'stalled',
    text: 'this agent has stood still for 5 s while its gossip goes on',
  });
  expect(read('rollcall:agent-resumed', '{"Node":"web-2","Ms":12400}')).toEqual({
    node: 'web-2',
    kind: 'resumed',
    text: 'this agent runs again after 12 s',
  });
});

test('anything else is none', () => {
  expect(read('rollcall:check', '{"Node":"web-2","Ms":5000}')).toBeUndefined();
  for (const text of ['', 'null', '{"Node":"","Ms":1}', '{"Node":"a","Ms":-1}', '{"Ms":1}']) {
    expect(read('rollcall:agent-stalled', text)).toBeUndefined();
  }
});
