import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfigApart } from '../../../agent/config/load-apart.ts';
import { programVersion } from '../../../proto/version.ts';

const request = { paths: [], flags: { dev: true, node: 'web-1' } };

/** A process in place of the one that reads configurations. */
async function program(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-apart-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'child.mjs');
  await writeFile(path, `import { serialize, deserialize } from 'node:v8';\n${text}`);
  return path;
}

const answering = (version: string) => `
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { flags } = deserialize(Buffer.concat(chunks));
  const config = { nodeName: flags.node + ' from afar', checks: [{ timeoutMs: Infinity, uid: undefined }] };
  process.stdout.write(serialize({ version: ${JSON.stringify(version)}, config, problems: [] }));`;

test('another process reads; what it answers arrives as it was, and nobody changes it', async () => {
  const { config, problems } = await loadConfigApart(request, await program(answering(programVersion)));
  expect(config).toEqual({
    nodeName: 'web-1 from afar',
    checks: [{ timeoutMs: Number.POSITIVE_INFINITY, uid: undefined }],
  });
  expect(problems).toEqual([]);
  expect(Object.isFrozen(config?.checks[0])).toBe(true);
});

test.each([
  ['it fails', 'process.exit(1);'],
  ['it is killed', 'process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 60_000);'],
])('a process that does not answer costs nothing but memory: %s', async (_name, text) => {
  const { config } = await loadConfigApart(request, await program(text));
  expect(config?.nodeName).toBe('web-1');
});

test('a program that was replaced on disk is not mixed with the one that runs', async () => {
  const newer = loadConfigApart(request, await program(answering('99.0.0')));
  await expect(newer).rejects.toThrow('the program on disk is 99.0.0: restart the agent');
});
