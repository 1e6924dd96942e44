import { expect, test } from 'vitest';
import { Spreader } from '../../../agent/gossip/spreader.ts';
import { messageType } from '../../../proto/gossip/packets.ts';
import { stage } from './stage.ts';

function make(members: number) {
  const onNews = { call: () => {} };
  const scene = stage({ onNews: () => onNews.call() });
  const records = Array.from({ length: members }, (_, index) => scene.meet(`n${index}`));
  const spreader = new Spreader(scene.parts);
  onNews.call = () => spreader.onNews();
  spreader.start();
  const tell = (name: string) =>
    scene.parts.outbox.broadcasts.news.queue(Uint8Array.of(messageType.nackResp, 0x80), name);
  return { ...scene, records, spreader, tell };
}

test('news leaves at once, to three members, and then at every tick until it is told', () => {
  const { clock, sent, tell } = make(8);
  tell('a');
  clock.runFor(0);
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ to }) => to)).size).toBe(3);
  clock.runFor(199);
  expect(sent).toHaveLength(3);
  clock.runFor(1);
  // Four times among nine members.
  expect(sent).toHaveLength(4);
  clock.runFor(5_000);
  expect(sent).toHaveLength(4);
});

test('what is learned in one moment leaves in one packet', () => {
  const { clock, sent, tell } = make(8);
  for (const name of ['a', 'b', 'c']) tell(name);
  clock.runFor(0);
  expect(sent).toHaveLength(3);
  expect(sent[0]?.messages).toHaveLength(3);
});

test('a flood of news costs no more packets than the ticks would', () => {
  const { clock, sent, tell } = make(40);
  for (let i = 0; i < 1_000; i++) {
    tell(`n${i}`);
    clock.runFor(10);
  }
  const seconds = 10;
  // Three members at each of five rounds a second, and the burst at the beginning.
  expect(sent.length).toBeLessThanOrEqual(3 * 5 * seconds + 3 * 3);
  expect(sent.length).toBeGreaterThan(3 * 4 * seconds);
});

test('those that died a moment ago still hear from us, those of long ago do not', () => {
  const { clock, meet, parts, records, sent, tell } = make(2);
  parts.members.mark(records[0]!.number, 'dead', 1, 0);
  parts.members.mark(records[1]!.number, 'left', 1, 0);
  const alive = meet('alive');
  for (let i = 0; i < 20; i++) {
    tell(`news ${i}`);
    clock.runFor(200);
  }
  expect(new Set(sent.map(({ to }) => to))).toEqual(new Set(['alive', 'n0', 'n1']));
  parts.members.mark(alive.number, 'dead', 1, 0);
  const before = sent.length;
  clock.runFor(31_000);
  tell('b');
  clock.runFor(1_000);
  expect(sent).toHaveLength(before);
});

test('a stopped spreader is silent', () => {
  const { clock, sent, spreader, tell } = make(3);
  tell('a');
  spreader.stop();
  tell('b');
  clock.runFor(1_000);
  expect(sent).toEqual([]);
});
