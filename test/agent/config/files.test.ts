import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfigFiles, signatureOf } from '../../../agent/config/files.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function read(...paths: string[]) {
  const problems = new Problems();
  const files = await readConfigFiles(paths, problems);
  return {
    names: files.map((file) => file.path.slice(folder.length + 1)),
    problems: problems.sorted([]).map((problem) => formatProblem(problem).replaceAll(`${folder}/`, '')),
  };
}

test('a folder gives its files in the order of their names, and nothing else', async () => {
  for (const name of ['20-web.json', '10-base.yaml', '30-db.yml', 'README.md', 'old.yaml.bak']) put(name, '');
  mkdirSync(join(folder, 'sub'));
  put('sub/x.yaml', '');
  expect(await read(folder)).toEqual({ names: ['10-base.yaml', '20-web.json', '30-db.yml'], problems: [] });
});

test('a file that is named counts whatever its ending, in the order given', async () => {
  const a = put('a.conf', '');
  const b = put('b.yaml', '');
  expect((await read(b, a)).names).toEqual(['b.yaml', 'a.conf']);
});

test('HCL in a folder is an error, not a file that is silently passed over', async () => {
  put('a.hcl', 'server = true');
  put('b.yaml', '');
  const { names, problems } = await read(folder);
  expect(names).toEqual(['b.yaml']);
  expect(problems).toEqual([expect.stringMatching(/^a\.hcl: error: this is HCL/)]);
});

test('what cannot be read is named with the reason', async () => {
  const binary = put('binary.yaml', new Uint8Array([0xff, 0xfe, 0x41]));
  expect((await read(join(folder, 'none.yaml'), binary)).problems).toEqual([
    'none.yaml: error: cannot be read: there is no such file or folder',
    'binary.yaml: error: is not UTF-8 text',
  ]);
});

test('a folder without a file of ours is a warning', async () => {
  expect((await read(folder)).problems).toEqual([
    expect.stringContaining('the folder holds no .yaml, .yml, .json'),
  ]);
});

test('a file that is written, swapped, added or gone changes the signature; reading it does not', async () => {
  const a = put('a.yaml', 'log_level: info');
  const seen = [await signatureOf([folder])];
  const look = async () => {
    const now = await signatureOf([folder]);
    expect(seen).not.toContain(now);
    seen.push(now);
  };
  await read(folder);
  expect(await signatureOf([folder])).toBe(seen[0]);
  put('a.yaml', 'log_level: debug');
  await look();
  put('next', 'log_level: error');
  renameSync(join(folder, 'next'), a);
  await look();
  put('b.yaml', '');
  await look();
  rmSync(a);
  await look();
});
