import { expect, test } from 'vitest';
import { rollcall } from './stage.ts';

test('the help lists every command with a sentence', async () => {
  const { code, out } = await rollcall(['--help']);
  expect(code).toBe(0);
  for (const name of ['agent', 'members', 'checks', 'events', 'join', 'leave', 'info', 'validate']) {
    expect(out).toMatch(new RegExp(`^  ${name}\\b.* [A-Z].*\\.$`, 'm'));
  }
});

test('a command has a help of its own', async () => {
  const { code, out } = await rollcall(['events', '--help']);
  expect(code).toBe(0);
  expect(out).toContain('--follow');
  expect(out).toContain('ROLLCALL_HTTP_ADDR');
});

test.each([
  [['mebmers'], 'there is no command "mebmers": did you mean "members"?'],
  [['frobnicate'], 'there is no command "frobnicate": rollcall --help lists them all'],
  [['members', '--fromat', 'json'], 'Did you mean --format?'],
  [['members', '--format', 'xml'], 'Allowed choices are table, json'],
  [['join'], "missing required argument 'address'"],
  [['events', '--after', '-1'], 'It must be a whole number.'],
  [
    ['members', '--http-addr', '[::1'],
    '--http-addr: "[::1" is no HOST[:PORT]: the closing bracket is missing',
  ],
  [['maint', '--enable', '--disable'], 'cannot be used with option'],
  [['maint', '--reason', 'x'], '--service and --reason need --enable or --disable'],
])('wrong usage is exit code 2 and says what is wrong: %j', async (argv, words) => {
  const { code, out, error } = await rollcall(argv);
  expect(error).toContain(words);
  expect(error).toMatch(/^rollcall: /);
  expect({ code, out }).toEqual({ code: 2, out: '' });
});

test('nobody there: one clear line and exit code 1', async () => {
  const { code, out, error } = await rollcall(['members'], { ROLLCALL_HTTP_ADDR: '127.0.0.1:1' });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(error).toBe(
    'rollcall: nobody answers at http://127.0.0.1:1 (connection refused): start an agent there, or name another one with --http-addr or ROLLCALL_HTTP_ADDR\n',
  );
});

test('the version is that of the package', async () => {
  expect((await rollcall(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('without a command the help is shown', async () => {
  const { code, error, out } = await rollcall([]);
  expect(out + error).toContain('Usage: rollcall');
  expect(code).toBe(2);
});
