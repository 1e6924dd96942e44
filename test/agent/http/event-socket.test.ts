import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ExpectedError } from '../../../proto/errors.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { type Stage, stage } from './stage.ts';

function listen(on: Stage, query: string, headers: Record<string, string> = {}) {
  const records: StreamRecord[] = [];
  const socket = new WebSocket(on.url(`/v1/events/stream${query}`).replace('http:', 'ws:'), { headers });
  const refused = new Promise<{ status: number | undefined; text: string }>((resolve) => {
    socket.on('unexpected-response', (_request, answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('error', () => {});
  socket.on('message', (data) => records.push(JSON.parse(String(data))));
  return { socket, records, refused, closed };
}

const offsets = (records: readonly StreamRecord[]) =>
  records.map((one) => ('Offset' in one ? one.Offset : 0));

test('one record a message, everything after the offset, then what happens', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const listener = listen(on, '?after=1');
  await expect.poll(() => offsets(listener.records)).toEqual([2, 3, 4]);
  on.server.flap('ext', 'passing');
  await expect.poll(() => offsets(listener.records)).toEqual([2, 3, 4, 5]);
  listener.socket.close();
  await listener.closed;
});

test('what is wrong with the request is answered before the upgrade', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  expect(await listen(on, '?after=-1').refused).toMatchObject({ status: 400 });
  expect(await listen(on, '?after=99').refused).toMatchObject({ status: 400 });
  expect(await listen(on, '?after=1&log=another').refused).toMatchObject({ status: 410 });
  const elsewhere = new WebSocket(on.url('/v1/agent/self').replace('http:', 'ws:'));
  const status = new Promise((resolve) => {
    elsewhere.on('unexpected-response', (_request, answer) => resolve(answer.statusCode));
  });
  elsewhere.on('error', () => {});
  expect(await status).toBe(404);
});

test('a page of another site hears nothing, our own does', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const foreign = listen(on, '?after=0', { origin: 'https://evil.example' });
  expect(await foreign.refused).toMatchObject({ status: 403 });
  const own = listen(on, '?after=0', { origin: on.url('') });
  await expect.poll(() => offsets(own.records)).toEqual([1, 2]);
  own.socket.close();
});

test('an error of the log is the last message; the end of the agent too', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical');
  const first = listen(on, '?after=0');
  const second = listen(on, '?after=0');
  await expect.poll(() => [first.records.length, second.records.length]).toEqual([2, 2]);
  on.server.fail(new ExpectedError('OFFSET_TRIMMED', 'the log was replaced'));
  expect(await first.closed).toBe(1000);
  expect(first.records.at(-1)).toEqual({
    Error: { Code: 'OFFSET_TRIMMED', Message: 'the log was replaced' },
  });
  on.server.fail(null);
  const third = listen(on, '?after=0');
  await expect.poll(() => third.records.length).toBe(2);
  await on.http.stop();
  await third.closed;
  expect(third.records.at(-1)).toMatchObject({ Error: { Code: 'STOPPING' } });
});

test('a listener that talks is shown the door', async () => {
  const on = await stage();
  const listener = listen(on, '?after=0');
  listener.socket.on('open', () => listener.socket.send('hello?'));
  expect(await listener.closed).toBe(1008);
});
