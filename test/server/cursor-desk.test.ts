import { beforeEach, expect, test } from 'vitest';
import type { CommandBody } from '../../proto/schema/command.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { CursorDesk, shareFilter } from '../../server/cursor-desk.ts';
import { VirtualClock } from '../sim/clock.ts';
import { Story } from './story.ts';

const pager = { name: 'pager', share: '' };
const never = new AbortController().signal;

let clock: VirtualClock;
let story: Story;
let proposed: CommandBody[];
let desk: CursorDesk;

beforeEach(() => {
  clock = new VirtualClock();
  story = new Story();
  proposed = [];
  for (let i = 0; i < 9; i++) story.alive(`web-${i}`);
  const propose = async (body: CommandBody) => {
    proposed.push(body);
    story.commit(body);
  };
  desk = new CursorDesk({ clock, state: () => story.fsm.state, propose });
});

function offsets(): number[] {
  return proposed.flatMap((body) => (body.kind === 'cursor.put' ? [body.offset] : []));
}

test('however often a reader confirms, its cursor is written once a second, with the newest', async () => {
  const settled: string[] = [];
  const confirm = (offset: number) =>
    void desk.acknowledge(pager, offset).then(() => settled.push(`${offset} at ${clock.nowMs()}`));
  confirm(1);
  await clock.settleFor(0);
  for (const offset of [2, 5, 3]) confirm(offset);
  await clock.settleFor(999);
  expect(offsets()).toEqual([1]);
  await clock.settleFor(1);
  expect(offsets()).toEqual([1, 5]);
  expect(settled).toEqual(['1 at 0', '2 at 1000', '5 at 1000', '3 at 1000']);
});

test('what does not exist cannot be confirmed', async () => {
  await expect(desk.acknowledge(pager, 10)).rejects.toMatchObject({ code: 'OFFSET_FUTURE' });
});

test('a new name begins where it is told and stays there until something is confirmed', async () => {
  expect(await desk.begin(pager, 4)).toBe(4);
  expect(await desk.begin(pager, 9)).toBe(4);
  expect(desk.list()).toEqual([{ ...pager, offset: 4, lag: 5, taken: false }]);
});

test('a second reader waits until the first has gone', async () => {
  const first = await desk.claim(pager, never);
  let second = false;
  void desk.claim(pager, never).then(() => {
    second = true;
  });
  await clock.settleFor(60_000);
  expect(second).toBe(false);
  desk.release(pager, first!);
  await clock.settleFor(500);
  expect(second).toBe(true);
});

test('a reader that takes nothing for 10 s makes room, and learns of it', async () => {
  const first = await desk.claim(pager, never);
  first!.hand();
  const waiting = desk.claim(pager, never);
  await clock.settleFor(10_500);
  const second = await waiting;
  expect(second).not.toBeNull();
  expect(() => first!.taken()).toThrow(/another reader took pager over/);
  desk.release(pager, first!);
  expect(desk.list()).toEqual([]);
  second!.hand();
  expect(() => second!.taken()).not.toThrow();
});

test('a reader that has confirmed before and now says nothing makes room, however much its socket takes', async () => {
  const first = (await desk.claim(pager, never))!;
  const handOver = (offset: number) => {
    first.hand(offset);
    first.taken();
  };
  handOver(1);
  void desk.acknowledge(pager, 1);
  let second = false;
  void desk.claim(pager, never).then(() => {
    second = true;
  });
  await clock.settleFor(60_000);
  expect(second).toBe(false);
  handOver(2);
  for (let n = 0; n < 5; n++) {
    await clock.settleFor(9_000);
    await desk.acknowledge(pager, 1);
  }
  expect([second, offsets()]).toEqual([false, [1]]);
  await clock.settleFor(9_000);
  void desk.acknowledge(pager, 0);
  await clock.settleFor(1_500);
  expect(second).toBe(true);
  expect(() => first.hand(3)).toThrow(/another reader took pager over/);
});

test('a reader that never confirms is not taken for silent', async () => {
  const first = (await desk.claim(pager, never))!;
  first.hand(1);
  first.taken();
  let second = false;
  void desk.claim(pager, never).then(() => {
    second = true;
  });
  await clock.settleFor(60_000);
  expect(second).toBe(false);
});

test('shares are read side by side; whoever gives up waiting gets nothing', async () => {
  expect(await desk.claim({ name: 'pager', share: '1/2' }, never)).not.toBeNull();
  expect(await desk.claim({ name: 'pager', share: '2/2' }, never)).not.toBeNull();
  const abort = new AbortController();
  const waiting = desk.claim({ name: 'pager', share: '2/2' }, abort.signal);
  abort.abort();
  await clock.settleFor(1_000);
  expect(await waiting).toBeNull();
});

test('with leadership the readers go, too', async () => {
  const lease = await desk.claim(pager, never);
  desk.follow();
  expect(() => lease!.taken()).toThrow(expect.objectContaining({ code: 'NOT_LEADER' }));
});

test('each event belongs to one share, and all of a node to the same', () => {
  const events = Array.from({ length: 300 }, (_, i): HealthEvent => {
    const draft = draftEvent({ Kind: 'node.joined', Node: `web-${i % 30}` });
    return { Schema: 1, Offset: i + 1, Time: '2026-11-22T03:12:00.000Z', ...draft };
  });
  const shares = ['1/3', '2/3', '3/3'].map((share) => events.filter(shareFilter(share)));
  expect(shares.flat()).toHaveLength(300);
  const nodes = shares.map((share) => new Set(share.map((event) => event.Node)));
  expect(nodes.reduce((sum, each) => sum + each.size, 0)).toBe(30);
  for (const each of nodes) expect(each.size).toBeGreaterThan(3);
  expect(() => shareFilter('4/3')).toThrow(/only 3/);
});

test('numbers that no event has do not count as lag', async () => {
  const acknowledged = desk.acknowledge(pager, 4);
  await clock.settleFor(0);
  await acknowledged;
  story.commit({ kind: 'events.skip', v: 1, to: 1_000_000, reason: 'recovered' });
  story.alive('web-9');
  expect(story.fsm.state.events.last).toBe(1_000_001);
  expect(desk.list()).toMatchObject([{ offset: 4, lag: 6 }]);
});
