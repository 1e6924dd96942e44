import { expect, test } from 'vitest';
import { judgeClientCheck, scriptRefusal } from '../../agent/client-checks.ts';
import { Templates } from '../../agent/templates.ts';
import { define } from '../checks/fakes.ts';

const templates = new Templates();
await templates.load();
const rules = { templates: {}, checkDefaults: {}, enableScriptChecks: false, enableLocalScriptChecks: false };
const script = define({ args: ['/bin/true'], interval: '10s' });
const plain = define({ tcp: 'localhost:1', interval: '10s' });

test.each([
  [false, false, 'client', true],
  [false, false, 'template', true],
  [true, false, 'client', true],
  [true, false, 'template', false],
  [false, true, 'client', false],
  [false, true, 'template', false],
] as const)(
  'local scripts %s, all scripts %s: a script of a %s is refused: %s',
  (local, all, author, refused) => {
    const switches = { ...rules, enableLocalScriptChecks: local, enableScriptChecks: all };
    expect(scriptRefusal(switches, script, author) !== null).toBe(refused);
    expect(scriptRefusal(switches, plain, author)).toBeNull();
  },
);

test('what a client registered is kept as it is, or dropped with the reason', () => {
  expect(judgeClientCheck(rules, plain, null, templates)).toEqual({ kind: 'kept', definition: plain });
  expect(judgeClientCheck(rules, script, null, templates)).toMatchObject({ kind: 'dropped' });
});

test('what a template made is made anew', () => {
  const check = { name: 'web', tcp: 'localhost:1', interval: '10s' };
  const now = { ...rules, templates: { port: { check } } };
  const request = { use: 'port', with: {}, id: '', name: '', notes: '', serviceId: '' };
  expect(judgeClientCheck(now, undefined, request, templates)).toEqual({ kind: 'kept', definition: plain });
  expect(judgeClientCheck(now, plain, request, templates)).toEqual({ kind: 'kept', definition: plain });
  expect(judgeClientCheck(now, script, request, templates)).toEqual({ kind: 'kept', definition: plain });
  expect(judgeClientCheck(rules, plain, request, templates)).toMatchObject({ kind: 'dropped' });
});
