import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import { connect, GapError, RequestError } from '../../../agent/client/index.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { stage } from '../http/stage.ts';

async function take(events: AsyncIterable<HealthEvent>, count: number): Promise<number[]> {
  const offsets: number[] = [];
  for await (const event of events) {
    offsets.push(event.Offset);
    if (offsets.length === count) break;
  }
  return offsets;
}

test('it reads on from an offset, in order, each event once', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 20);
  const client = connect(`127.0.0.1:${on.http.address.port}`);
  expect(await take(client.events({ after: 5 }), 10)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(client.log).toBe('log-1');
});

test('when its agent dies it goes on at the next one, without a hole and without a double', async () => {
  const first = await stage();
  const second = await stage({ rpc: first.server });
  const trouble: string[] = [];
  const client = connect([first.url(''), second.url('')], { onTrouble: (message) => trouble.push(message) });
  first.server.flap('ext', 'critical', 10);
  const offsets: number[] = [];
  for await (const event of client.events({ after: 0 })) {
    offsets.push(event.Offset);
    if (event.Offset === 5) await first.http.stop();
    if (event.Offset === 8) first.server.flap('ext', 'passing', 4);
    if (event.Offset === 15) break;
  }
  expect(offsets).toEqual(Array.from({ length: 15 }, (_, n) => n + 1));
  expect(trouble).toHaveLength(1);
});

test('"from now" stays the same now when the agent dies before the first event', async () => {
  const first = await stage();
  const second = await stage({ rpc: first.server });
  first.server.flap('ext', 'critical', 4);
  const client = connect([first.url(''), second.url('')]);
  const events = client.events();
  const next = events.next();
  await expect.poll(() => client.log).toBe('log-1');
  await first.http.stop();
  first.server.flap('ext', 'passing');
  expect((await next).value).toMatchObject({ Offset: 6 });
  await events.return();
});

test('an agent without servers is left for one that has some', async () => {
  const lonely = await stage();
  lonely.server.fail(new ExpectedError('NO_SERVERS'));
  const good = await stage();
  good.server.flap('ext', 'critical', 3);
  const client = connect([lonely.url(''), good.url('')]);
  expect(await take(client.events({ after: 0 }), 4)).toEqual([1, 2, 3, 4]);
});

test('while nobody answers it tries again, and ends when it is told to', async () => {
  const trouble: string[] = [];
  const abort = new AbortController();
  const client = connect('127.0.0.1:1', {
    retryMsMax: 20,
    onTrouble: (message) => {
      trouble.push(message);
      if (trouble.length === 3) abort.abort();
    },
  });
  expect(await take(client.events({ signal: abort.signal }), 1)).toEqual([]);
  expect(trouble).toHaveLength(3);
});

test('a gap is an error, unless somebody wants to hear of it', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 9);
  on.server.firstKept = 6;
  const client = connect(on.url(''));
  const failure = await take(client.events({ after: 2 }), 1).catch((error) => error);
  expect(failure).toBeInstanceOf(GapError);
  expect(failure.gap).toMatchObject({ From: 3, To: 5 });
  const gaps: unknown[] = [];
  expect(await take(client.events({ after: 2, onGap: (gap) => gaps.push(gap) }), 2)).toEqual([6, 7]);
  expect(gaps).toHaveLength(1);
});

test('what is wrong with the request is thrown and not tried again', async () => {
  const on = await stage();
  const client = connect(on.url(''));
  for (const options of [{ after: 99 }, { filter: 'Node =' }, { after: 0, log: 'another' }]) {
    const failure = await take(client.events(options), 1).catch((error) => error);
    expect(failure).toBeInstanceOf(RequestError);
  }
  expect(() => connect([])).toThrow('address of an agent');
});

test('filters are passed on, and positions show that a filtered listener advances', async () => {
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  on.server.join('web-1', '10.0.0.9');
  const client = connect(on.url(''));
  const selection = { after: 0, kinds: ['node.*'], nodes: ['web-1'], filter: 'To == "alive"' };
  expect(await take(client.events(selection), 1)).toEqual([5]);
});

test('somebody who is no agent is left alone', async () => {
  const stranger = createServer((_request, answer) => answer.end('<html>not an agent</html>\n'));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void stranger.close());
  const on = await stage();
  on.server.flap('ext', 'critical');
  const { port } = stranger.address() as AddressInfo;
  expect(await take(connect([`127.0.0.1:${port}`, on.url('')]).events({ after: 0 }), 2)).toEqual([1, 2]);
});

test('it runs in a browser: its bundle imports nothing, and listens with what browsers have', async () => {
  const entry = fileURLToPath(new URL('../../../agent/client/index.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, name: 'rollcall', formats: ['iife'] } },
  });
  const [{ output }] = [built].flat() as unknown as [{ output: Array<{ code: string }> }];
  const { code } = output[0]!;
  expect(output).toHaveLength(1);
  expect(code).not.toMatch(/^\s*import\b|\brequire\(|\bprocess\.|\bBuffer\b|['"]node:/m);
  const on = await stage();
  on.server.flap('ext', 'critical', 3);
  const browser = { fetch, URLSearchParams, TextDecoder, AbortController, setTimeout, clearTimeout };
  const { connect: connectThere } = runInNewContext(`${code}; rollcall`, browser);
  expect(await take(connectThere([on.url('')]).events({ after: 0 }), 4)).toEqual([1, 2, 3, 4]);
});
