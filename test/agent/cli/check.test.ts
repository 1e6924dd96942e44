import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, text);
  return path;
}

test('a script is run in the sandbox, its secrets are hidden and its result is weighed', async () => {
  writeFileSync(join(folder, 'secret'), 'geheim\n');
  const path = file(`
checks:
  - id: s
    name: script
    args: [/bin/sh, -c, 'echo "token \${file:${folder}/secret}"; exit 2']
    interval: 10s
    failures_before_critical: 3
    status: passing
  - {id: other, name: other, ttl: 10s}
`);
  const { code, out } = await rollcall(['check', 'test', `${path}#s`, '--repeat', '2']);
  expect(code).toBe(1);
  expect(out.replaceAll(/after \d+ ms/g, 'after N ms')).toContain(
    'Run 1: critical after N ms\n  | token (hidden)\n',
  );
  expect(out).toContain('Run 2: critical');
});

test('a URL is asked, and exit code 0 says that it is passing', async () => {
  const server = createServer((_, response) => response.end('fine'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const path = file(`check: {name: web, http: "http://127.0.0.1:${port}/", interval: 10s}\n`);
  const { code, out } = await rollcall(['check', 'test', path, '--format', 'json']);
  server.closeAllConnections();
  server.close();
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    run: 1,
    from: 'pending',
    to: 'passing',
    outcome: { status: 'passing' },
  });
});

test('which check is meant must be clear, and that it can be run', async () => {
  const path = file('checks:\n  - {id: disk-a, name: a, ttl: 10s}\n  - {id: disk-b, name: b, ttl: 10s}\n');
  expect(await rollcall(['check', 'test', path])).toMatchObject({
    code: 2,
    error: 'rollcall: name one check: FILE#ID; it has disk-a, disk-b\n',
  });
  expect(await rollcall(['check', 'test', `${path}#disk-aa`])).toMatchObject({
    code: 2,
    error: 'rollcall: there is no check "disk-aa": did you mean "disk-a"?\n',
  });
  expect(await rollcall(['check', 'test', `${path}#disk-a`])).toMatchObject({
    code: 1,
    error: 'rollcall: "disk-a" is a TTL check: it is fed, not run\n',
  });
  const broken = await rollcall(['check', 'test', file('check: {name: a, tcp: x, interval: 10s}\n')]);
  expect(broken.code).toBe(1);
  expect(broken.error).toContain('error: check.tcp: ');
});
