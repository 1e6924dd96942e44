import { expect, test } from 'vitest';
import { Outbox, outboxBytesHigh, outboxBytesMax } from '../../../server/rpc/outbox.ts';

class Sink {
  readonly writes: number[] = [];
  bufferedBytes = 0;
  readonly remote = { host: '', port: 0 };
  receive(): void {}
  end(): void {}
  destroy(): void {}
  write(bytes: Uint8Array): void {
    this.writes.push(bytes.length);
  }
}

function open() {
  const sink = new Sink();
  const turns: Array<() => void> = [];
  let overflows = 0;
  const outbox = new Outbox(
    sink,
    (run) => turns.push(run),
    () => {
      overflows += 1;
    },
  );
  const endTurn = () => {
    for (const run of turns.splice(0)) run();
  };
  return { sink, outbox, endTurn, overflows: () => overflows };
}

test('small frames of one turn leave in one write, large ones are not copied', () => {
  const { sink, outbox, endTurn } = open();
  for (let n = 0; n < 50; n++) outbox.send(new Uint8Array(100));
  expect(sink.writes).toEqual([]);
  endTurn();
  expect(sink.writes).toEqual([5_000]);
  outbox.send(new Uint8Array(10));
  outbox.send(new Uint8Array(100_000));
  endTurn();
  expect(sink.writes).toEqual([5_000, 10, 100_000]);
});

test('there is room until too much waits, and again when it has drained', async () => {
  const { sink, outbox } = open();
  await outbox.room();
  sink.bufferedBytes = outboxBytesHigh + 1;
  let resumed = false;
  const waiting = outbox.room().then(() => {
    resumed = true;
  });
  outbox.onDrain();
  await Promise.resolve();
  expect(resumed).toBe(false);
  sink.bufferedBytes = 0;
  outbox.onDrain();
  await waiting;
  expect(resumed).toBe(true);
});

test('there is room again when the kernel has taken everything at once, of which it never tells', async () => {
  const { outbox, endTurn } = open();
  outbox.send(new Uint8Array(outboxBytesHigh + 1));
  let resumed = false;
  const waiting = outbox.room().then(() => {
    resumed = true;
  });
  await Promise.resolve();
  expect(resumed).toBe(false);
  endTurn();
  await waiting;
  expect(resumed).toBe(true);
});

test('beyond the limit the owner is told; after the end nothing leaves and nobody waits', async () => {
  const { sink, outbox, endTurn, overflows } = open();
  sink.bufferedBytes = outboxBytesMax;
  outbox.send(new Uint8Array(1));
  expect(overflows()).toBe(1);
  const waiting = outbox.room();
  outbox.close();
  await waiting;
  outbox.send(new Uint8Array(1));
  endTurn();
  expect(sink.writes).toEqual([]);
  expect(outbox.waitingBytes).toBe(outboxBytesMax);
});
