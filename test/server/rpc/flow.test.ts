import { expect, test } from 'vitest';
import { CreditGate, StreamInbox, windowBytes } from '../../../server/rpc/flow.ts';

test('a writer goes on while there is credit, and one item may overshoot', async () => {
  const gate = new CreditGate(10);
  gate.spend(8);
  expect(await gate.open()).toBe(true);
  gate.spend(8);
  const waiting = gate.open();
  gate.grant(5);
  gate.grant(2);
  expect(await waiting).toBe(true);
});

test('the end of a stream wakes a writer that waits', async () => {
  const gate = new CreditGate(0);
  const waiting = gate.open();
  gate.close();
  expect(await waiting).toBe(false);
});

test('a reader grants half a window at a time, for what it took', async () => {
  const granted: number[] = [];
  const inbox = new StreamInbox((bytes) => granted.push(bytes));
  const quarter = windowBytes / 4;
  for (let n = 0; n < 4; n++) inbox.push(n, quarter);
  for (let n = 0; n < 4; n++) expect(await inbox.take()).toMatchObject({ value: n });
  expect(granted).toEqual([windowBytes / 2, windowBytes / 2]);
});

test('what came before the end is still handed out, and the first end is the one that counts', async () => {
  const inbox = new StreamInbox(() => {});
  inbox.push('last words', 10);
  inbox.end(new Error('lost'));
  inbox.end(null);
  expect(await inbox.take()).toMatchObject({ value: 'last words' });
  await expect(inbox.take()).rejects.toThrow('lost');
});

test('a reader that waits is woken by an item and by the end', async () => {
  const inbox = new StreamInbox(() => {});
  const first = inbox.take();
  inbox.push(1, 1);
  expect(await first).toMatchObject({ value: 1 });
  const second = inbox.take();
  inbox.end(null);
  expect(await second).toBeUndefined();
});
