import { expect, test } from 'vitest';
import { Progress } from '../../../server/raft/progress.ts';
import { membershipOf } from './harness.ts';

function progress(next = 11): Progress {
  const limits = { inflightMax: 3, inflightBytesMax: 1000 };
  return new Progress({ id: 'b', session: 1, next, nowTicks: 5, limits });
}

const meta = { index: 20, term: 2, membership: membershipOf(['a', 'b']), membershipIndex: 1 };

test('begins as a probe that was just heard', () => {
  const peer = progress();
  expect(peer).toMatchObject({ state: 'probe', match: 0, next: 11, heardTicks: 5, isWaiting: false });
});

test('replicating, it runs ahead of the acknowledgements until the window is full', () => {
  const peer = progress();
  peer.acknowledge(10);
  peer.replicate();
  peer.sent(12, 10);
  peer.sent(14, 10);
  expect(peer).toMatchObject({ match: 10, next: 15, windowIsFull: false });
  peer.sent(15, 10);
  expect(peer.windowIsFull).toBe(true);
  peer.acknowledge(12);
  expect(peer).toMatchObject({ match: 12, next: 16, windowIsFull: false });
});

test('a late acknowledgement changes nothing', () => {
  const peer = progress();
  peer.acknowledge(9);
  peer.acknowledge(4);
  expect(peer).toMatchObject({ match: 9, next: 11 });
});

test.each([
  { what: 'steps back one by one without a better hint', refused: 10, suggestion: 10, next: 10 },
  { what: 'jumps to the suggestion', refused: 10, suggestion: 6, next: 7 },
  { what: 'never to what is acknowledged', refused: 10, suggestion: 1, next: 4 },
])('a refused probe $what', ({ refused, suggestion, next }) => {
  const peer = progress();
  peer.acknowledge(3);
  peer.wait();
  expect(peer.refused(refused, suggestion)).toBe(true);
  expect(peer).toMatchObject({ state: 'probe', next, isWaiting: false });
});

test.each([9, 11, 3])('a refusal of %i, which is not the open probe, is late', (refused) => {
  const peer = progress();
  peer.acknowledge(3);
  peer.wait();
  expect(peer.refused(refused, 2)).toBe(false);
  expect(peer).toMatchObject({ next: 11, isWaiting: true });
});

test('a refusal while replicating goes back to what is acknowledged; one below it is late', () => {
  const peer = progress();
  peer.acknowledge(10);
  peer.replicate();
  peer.sent(14, 10);
  expect(peer.refused(10, 2)).toBe(false);
  expect(peer.state).toBe('replicate');
  expect(peer.refused(14, 2)).toBe(true);
  expect(peer).toMatchObject({ state: 'probe', next: 11, windowIsFull: false });
});

test('while it gets a snapshot refusals say nothing', () => {
  const peer = progress();
  peer.offerSnapshot(meta, 7);
  expect(peer.refused(10, 2)).toBe(false);
  expect(peer).toMatchObject({ state: 'snapshot', offered: { meta, sinceTicks: 7 } });
  peer.probe(21);
  expect(peer.offered).toBeNull();
});

test('only a replicating follower gets more than it answered', () => {
  expect(() => progress().sent(12, 1)).toThrow('replicating');
  const peer = progress();
  peer.acknowledge(10);
  expect(() => peer.probe(10)).toThrow('acknowledged');
});
