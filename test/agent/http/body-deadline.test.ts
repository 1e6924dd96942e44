import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bodyTimeoutMs, watchBody } from '../../../agent/http/body-deadline.ts';
import { stage } from './stage.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

class Request extends EventEmitter {
  readonly socket = { bytesRead: 100 };
  readableLength = 0;
  readonly headers: Record<string, string>;

  constructor(headers: Record<string, string> = { 'content-length': '9' }) {
    super();
    this.headers = headers;
  }
}

function watched(request: Request, streams: boolean): { late: number } {
  const seen = { late: 0 };
  watchBody(request as unknown as IncomingMessage, streams, () => {
    seen.late += 1;
  });
  return seen;
}

test('a whole body has one time, however much of it comes', () => {
  const request = new Request();
  const seen = watched(request, false);
  vi.advanceTimersByTime(bodyTimeoutMs - 1);
  request.socket.bytesRead += 50;
  expect(seen.late).toBe(0);
  vi.advanceTimersByTime(1);
  expect(seen.late).toBe(1);
});

test('one that streams may take as long as it goes on, or as long as we are what is slow', () => {
  const request = new Request({ 'transfer-encoding': 'chunked' });
  const seen = watched(request, true);
  for (let n = 0; n < 5; n++) {
    request.socket.bytesRead += 1;
    vi.advanceTimersByTime(bodyTimeoutMs);
  }
  request.readableLength = 64_000;
  vi.advanceTimersByTime(5 * bodyTimeoutMs);
  expect(seen.late).toBe(0);
  request.readableLength = 0;
  vi.advanceTimersByTime(bodyTimeoutMs);
  expect(seen.late).toBe(1);
});

test.each(['end', 'close'])('after its %s nothing is late, and without a body nothing ever is', (event) => {
  const request = new Request();
  const [seen, none] = [watched(request, false), watched(new Request({}), false)];
  request.emit(event);
  vi.advanceTimersByTime(10 * bodyTimeoutMs);
  expect([seen.late, none.late]).toEqual([0, 0]);
});

test('who is late is told so, on known and unknown paths', async () => {
  const on = await stage();
  for (const path of ['/v1/agent/check/register', '/v1/snapshot', '/nowhere']) {
    const answer = new Promise<string>((resolve, reject) => {
      const head = `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`;
      const socket = net.connect(on.http.address.port, '127.0.0.1', () => socket.write(head));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    let isAnswered = false;
    void answer.then(() => {
      isAnswered = true;
    });
    while (!isAnswered) {
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(bodyTimeoutMs);
    }
    expect([path, await answer]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 408 /)]);
  }
});
