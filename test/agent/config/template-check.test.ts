// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is made of them
import { expect, test } from 'vitest';
import { checkFromTemplate, type TemplateRequest } from '../../../agent/config/template-check.ts';

const templates = {
  http: {
    parameters: { path: '/' },
    check: {
      name: 'web',
      http: 'http://localhost:${port}${path}',
      header: { Authorization: ['Bearer s3cret'] },
    },
  },
  disk: { check: { name: 'disk', args: ['/opt/check_disk', '-p', '${mount}'], interval: '1m' } },
  shop: { service: { name: 'shop' } },
  wrong: { check: { name: 'wrong', tcp: 'localhost:1', intervall: '1m' } },
};
const source = { templates, checkDefaults: { interval: '15s' } };

function fill(use: string, values: TemplateRequest['with'] = {}, own: Partial<TemplateRequest> = {}) {
  return checkFromTemplate(source, { use, with: values, id: '', name: '', notes: '', serviceId: '', ...own });
}

function refusal(...args: Parameters<typeof fill>): string {
  const filled = fill(...args);
  return filled.ok ? 'not refused' : filled.message;
}

test('a template is filled in as in a file, with its parameters and the defaults', () => {
  expect(fill('http', { port: 80 }, { id: 'w', serviceId: 'shop', notes: 'mine' })).toMatchObject({
    ok: true,
    definition: {
      id: 'w',
      name: 'web',
      serviceId: 'shop',
      notes: 'mine',
      intervalMs: 15_000,
      spec: { kind: 'http', url: 'http://localhost:80/' },
    },
  });
});

test('what is wrong is said in one line, with what was probably meant', () => {
  expect(refusal('htp')).toBe('use: there is no template "htp" (did you mean "http"?)');
  expect(refusal('http')).toBe('with.port: the template "http" needs a value for it');
  expect(refusal('http', { port: 1, pth: '/' })).toBe(
    'with.pth: the template "http" has no such parameter (did you mean "path"?)',
  );
  expect(refusal('shop')).toBe('use: the template "shop" makes no check');
  expect(refusal('wrong')).toContain('intervall: is not a known key');
});

test.each(['${file:/etc/shadow}', '$', '{file:/x}', '}'])('%s is never looked up anywhere', (value) => {
  expect(refusal('http', { port: 80, path: value })).toBe('with.path: must not hold any of $ { }');
});

test.each([
  '; reboot',
  '$(reboot)',
  '`reboot`',
  '-c',
  '--config=/tmp/x',
  '/srv/../etc',
  'a b',
  'a\nb',
  '|x',
  '>x',
  '~root',
  '*',
  'x'.repeat(300),
])('%j does not become part of a command', (mount) => {
  expect(refusal('disk', { mount })).toMatch(/^with\.mount: /);
});

test.each(['/srv/data', 'db-1.example.org:5432', '80', 'a=b,c'])(
  '%j may fill a gap of a command',
  (mount) => {
    expect(fill('disk', { mount })).toMatchObject({
      ok: true,
      definition: { spec: { args: ['/opt/check_disk', '-p', mount] } },
    });
  },
);

test('where no program is run a value may be any text', () => {
  expect(fill('http', { port: 80, path: '/?a b;c' })).toMatchObject({ ok: true });
});
