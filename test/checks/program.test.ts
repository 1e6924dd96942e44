import { expect, test } from 'vitest';
import { checkProgram, type ProgramWish } from '../../checks/program.ts';
import type { FileFacts } from '../../proto/host-ports.ts';

/** A small file system: path → rights, or where a symbolic link leads. */
const tree: Record<string, number | string> = {
  '/bin': '/usr/bin',
  '/bin/sh': '/usr/bin/sh',
  '/usr/bin': 0o755,
  '/usr/bin/sh': 0o755,
  '/usr/bin/python3.11': 0o755,
  '/usr/bin/notes.txt': 0o644,
  '/opt': 0o755,
  '/opt/check': 0o755,
  '/opt/open': 0o757,
  '/opt/link': '/shared/check',
  '/shared': 0o777,
  '/shared/check': 0o755,
  '/tmp': 0o1777,
  '/tmp/check.py': 0o644,
};
const folders = new Set(['/bin', '/usr/bin', '/opt', '/shared', '/tmp']);

const facts = {
  async file(path: string): Promise<FileFacts> {
    const entry = tree[path];
    if (entry === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    if (typeof entry === 'string') return facts.file(entry);
    return { path, mode: entry, uid: 0, isFile: !folders.has(path), modifiedMs: 0 };
  },
  sha256: async (path: string) => (path === '/opt/check' ? 'aa' : 'bb').repeat(32),
};

function ask(argv: string[], more: Partial<ProgramWish> = {}) {
  return checkProgram({ argv, cwd: '/', path: '/usr/bin:/opt', sha256: '', ...more }, facts);
}

test('a bare name is looked up in the PATH of the run, and a path is taken as it is', async () => {
  expect(await ask(['sh', '-c', 'x'])).toEqual({ ok: true, argv: ['/usr/bin/sh', '-c', 'x'] });
  expect(await ask(['check'])).toEqual({ ok: true, argv: ['/opt/check'] });
  expect(await ask(['./check', 'a'], { cwd: '/opt' })).toEqual({ ok: true, argv: ['/opt/check', 'a'] });
});

test('what is not there is named in the words of Consul', async () => {
  expect(await ask(['/no/such'])).toEqual({
    ok: false,
    reason: 'fork/exec /no/such: no such file or directory',
  });
  expect(await ask(['nope'])).toEqual({
    ok: false,
    reason: 'exec: "nope": executable file not found in $PATH',
  });
  expect(await ask(['notes.txt'])).toMatchObject({ ok: false });
});

test('a file that others may write is refused, with the way out', async () => {
  expect(await ask(['/opt/open'])).toEqual({
    ok: false,
    reason:
      'refused to run /opt/open: /opt/open is writable by others (mode 0757); chmod o-w /opt/open allows it',
  });
});

test('so is one in a folder where others may put another in its place, also behind a link', async () => {
  expect(await ask(['/shared/check'])).toMatchObject({
    reason: expect.stringContaining('/shared is writable'),
  });
  expect(await ask(['/opt/link'])).toMatchObject({ reason: expect.stringContaining('/shared is writable') });
});

test('with an interpreter, the script is what is looked at', async () => {
  expect(await ask(['python3.11', '/tmp/check.py'])).toMatchObject({
    reason: expect.stringContaining('/tmp is writable by others (mode 1777)'),
  });
  expect(await ask(['sh', '-c', '/tmp/check.py'])).toMatchObject({ ok: true });
  expect(await ask(['/bin/sh', 'check'], { cwd: '/opt' })).toMatchObject({ ok: true });
});

test('a pinned file runs only with its content', async () => {
  expect(await ask(['/opt/check'], { sha256: 'aa'.repeat(32) })).toMatchObject({ ok: true });
  expect(await ask(['/opt/check'], { sha256: 'cc'.repeat(32) })).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/its SHA-256 is (aa){32}, the definition wants (cc){32}$/),
  });
  expect(await ask(['sh', '/opt/check'], { sha256: 'aa'.repeat(32) })).toMatchObject({ ok: true });
});
