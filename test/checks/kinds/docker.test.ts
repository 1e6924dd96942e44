import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostHttp } from '../../../agent/host/http.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { dockerKind } from '../../../checks/kinds/docker.ts';
import type { SpecOf } from '../../../proto/schema/definitions.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-docker-'));
const socketPath = path.join(folder, 'docker.sock');

function frame(stream: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** The three calls of the engine that a check makes; what runs "in the container" is named by its first argument. */
const engine = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    const [, , id, what] = request.url!.split('/');
    const json = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url!.startsWith('/containers/')) {
      if (id !== 'web') json(404, { message: `No such container: ${id}` });
      else json(201, { Id: body.Cmd.join('-') });
    } else if (what === 'start') {
      if (id === 'hang') response.writeHead(200).flushHeaders();
      else {
        response.write(frame(1, 'out\n'));
        response.end(frame(2, 'err | n=3\n'));
      }
    } else json(200, { Running: false, ExitCode: Number(id!.split('-')[1] ?? 0) });
  });
});

beforeAll(async () => {
  engine.listen(socketPath);
  await once(engine, 'listening');
});
afterAll(() => {
  engine.closeAllConnections();
  engine.close();
  rmSync(folder, { recursive: true });
});

const http1 = hostHttp(hostLookup());

function run(container: string, args: string[], socket = socketPath, timeoutMs = 10_000) {
  const { spec } = define({ docker_container_id: container, args, interval: '10s' });
  return dockerKind(http1, hostClock(), socket).run(spec as SpecOf<'docker'>, context({ timeoutMs }));
}

test.each([
  ['0', 'passing'],
  ['1', 'warning'],
  ['2', 'critical'],
])('exit code %s in the container is %s', async (code, status) => {
  expect(await run('web', ['exit', code])).toMatchObject({
    status,
    output: 'out\nerr | n=3\n',
    details: { exitCode: Number(code) },
  });
});

test('an unknown container, a missing engine and a program that hangs are critical', async () => {
  expect((await run('nope', ['true'])).output).toBe(
    'create exec failed for container nope: No such container: nope',
  );
  expect((await run('web', ['true'], path.join(folder, 'none.sock'))).output).toBe(
    `create exec failed for container web: dial unix ${folder}/none.sock: connect: no such file or directory`,
  );
  expect(await run('web', ['hang'], socketPath, 200)).toMatchObject({
    status: 'critical',
    output: 'Timed out (200ms) running check in container web',
  });
});
