// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is made of them
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentFlags } from '../../../agent/config/flags.ts';
import type { HostFacts } from '../../../agent/config/host-facts.ts';
import { type LoadRequest, loadConfig } from '../../../agent/config/load.ts';
import { formatProblem } from '../../../agent/config/problems.ts';

const host: HostFacts = {
  hostname: 'box 7',
  folder: '/srv',
  addresses: [
    { interface: 'lo', address: '127.0.0.1', family: 4, loopback: true },
    { interface: 'eth0', address: '10.0.0.5', family: 4, loopback: false },
  ],
  env: { TOKEN: 'geheim', KEY: 'MDEyMzQ1Njc4OWFiY2RlZg==' },
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes the files and reads them as one configuration. */
async function load(files: Record<string, string>, flags: AgentFlags = {}, more: Partial<LoadRequest> = {}) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const paths = Object.keys(files).map((name) => join(folder, name));
  const result = await loadConfig({ paths, flags, ...more }, host);
  const problems = result.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
  return { config: result.config, problems };
}

test('without a file and with --dev there is a cluster of one on this machine', async () => {
  const { config, problems } = await load({}, { dev: true });
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    nodeName: 'box-7',
    datacenter: 'dc1',
    bind: { host: '127.0.0.1', port: 8301 },
    advertise: { host: '127.0.0.1', port: 8301 },
    clientHosts: ['127.0.0.1'],
    ports: { http: 8500, serf: 8301, server: 8300, dns: 8600 },
    dataDir: null,
    dev: true,
    server: true,
    bootstrapExpect: 1,
  });
  expect(Object.isFrozen(config!.ports)).toBe(true);
});

test('a plain agent: files in order, then flags', async () => {
  const { config, problems } = await load(
    {
      'a.yaml':
        'data_dir: state\nretry_join: [10.0.0.1]\nretry_interval: 1500ms\nports: {http: 80}\nlog_level: ERR\n',
      'b.json':
        '{"node_name": "web-1", "ports": {"dns": -1}, "client_addr": "127.0.0.1 ::1", "node_meta": {"rack": "r1"}}',
    },
    { join: ['[::1]:9000'], httpPort: 81, logJson: true },
  );
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    nodeName: 'web-1',
    nodeMeta: { rack: 'r1' },
    bind: { host: '0.0.0.0', port: 8301 },
    advertise: { host: '10.0.0.5', port: 8301 },
    clientHosts: ['127.0.0.1', '::1'],
    ports: { http: 81, serf: 8301, server: 8300, dns: -1 },
    dataDir: '/srv/state',
    server: false,
    retryJoin: ['10.0.0.1', '[::1]:9000'],
    retryIntervalMs: 1500,
    logLevel: 'error',
    logJson: true,
    raftMultiplier: 1,
    reconnectTimeoutMs: 72 * 3_600_000,
    eventsKeptMax: 1_000_000,
    eventsKeptMs: 30 * 24 * 3_600_000,
  });
});

test('all errors of all layers in one pass, each with its place and a way out', async () => {
  const { config, problems } = await load(
    {
      'a.yaml': [
        'node_nmae: web-1',
        'bind_addr: web-1.example.org',
        'server: "yes"',
        'ports:',
        '  htpp: 80',
        '  serf_lan: 70000',
        'retry_join: [10.0.0.1, "provider=aws tag_key=x"]',
        'retry_interval: 30',
        'reconnect_timeout: 3 days',
        'node_meta: {zone: 7}',
        'telemetry: {statsd_address: x}',
        'check: {name: web, http: "http://localhost/", intervall: 10s}',
        'checks:',
        '  - {name: disk, args: [/bin/true], interval: 10s}',
        'bootstrap_expect: 2',
      ].join('\n'),
    },
    { bind: 'nowhere' },
  );
  expect(config).toBeNull();
  expect(problems).toEqual([
    'a.yaml:1:1: error: node_nmae: is not a known key (did you mean "node_name"?)',
    'a.yaml:2:12: error: bind_addr: must be an IP address, not "web-1.example.org"',
    'a.yaml:3:9: error: server: must be true or false, not a string',
    'a.yaml:5:3: error: ports.htpp: is not a known key (did you mean "http"?)',
    'a.yaml:6:13: error: ports.serf_lan: must be at most 65535',
    'a.yaml:7:24: error: retry_join[1]: cloud auto-join (`provider=…`) does not exist here; name hosts',
    'a.yaml:8:17: error: retry_interval: must be a duration such as "30s", "5m" or "1h30m"',
    'a.yaml:9:20: error: reconnect_timeout: must be a duration such as "30s", "5m" or "1h30m", not "3 days"',
    'a.yaml:10:19: error: node_meta.zone: must be a string, not a number (put it in quotes)',
    'a.yaml:11:1: warning: telemetry: a key of Consul that has no effect here',
    'a.yaml:12:47: error: check.intervall: is not a known key (did you mean "interval"?)',
    'a.yaml:14:5: error: checks[0]: runs a program, which is off: set enable_local_script_checks: true',
    'a.yaml:15:19: error: bootstrap_expect: only a server begins a cluster: set server: true (--server)',
    '--bind: error: bind_addr: must be an IP address, not "nowhere"',
    'configuration: error: data_dir: is missing: name a folder for what must survive a restart (--data-dir), or try --dev',
  ]);
});

test("Consul's service and check definition files load as they are", async () => {
  const { config, problems } = await load(
    {
      'web.json': JSON.stringify({
        service: {
          id: 'redis',
          name: 'redis',
          tags: ['primary'],
          address: '',
          meta: { meta: 'for my service' },
          port: 8000,
          enable_tag_override: false,
          checks: [
            { args: ['/usr/local/bin/check_redis.py'], interval: '10s' },
            { ID: 'tcp', TCP: 'localhost:6379', Interval: '5s', Timeout: 1_000_000_000 },
          ],
          weights: { passing: 5, warning: 1 },
        },
      }),
      'mem.json': JSON.stringify({
        check: [{ id: 'mem-util', ttl: '30s', notes: 'fed by cron' }],
      }),
      'self.yaml': 'enable_local_script_checks: true\n',
    },
    { dev: true },
  );
  expect(problems).toEqual([]);
  expect(config!.checks).toMatchObject([{ id: 'mem-util', name: 'mem-util', serviceId: '' }]);
  expect(config!.services).toMatchObject([
    {
      id: 'redis',
      port: 8000,
      checks: [
        { id: 'service:redis:1', intervalMs: 10_000 },
        { id: 'tcp', timeoutMs: 1_000 },
      ],
    },
  ]);
});

test('in YAML a duration without a unit is a slip and never nanoseconds', async () => {
  const { problems } = await load(
    { 'a.yaml': 'check:\n  name: web\n  tcp: localhost:80\n  interval: 10\n' },
    { dev: true },
  );
  expect(problems).toContain('a.yaml:4:13: error: check.interval: needs a unit (did you mean "10s"?)');
});

test('a definition is named as in its own file, whatever files stand before it', async () => {
  const one = '{name: a, ttl: 10s}';
  const { problems } = await load(
    {
      'a.yaml': `checks: [${one}]\n`,
      'b.yaml': `checks:\n  - {id: b, name: b, ttl: 5}\n  - {use: nope}\ncheck: {name: c, ttl: "\${env:NOPE}"}\n`,
    },
    { dev: true },
  );
  expect(problems).toEqual([
    'b.yaml:2:27: error: checks[0].ttl: needs a unit (did you mean "5s"?)',
    expect.stringMatching(/^b\.yaml:3:5: error: checks\[1\]: needs /),
    expect.stringMatching(/^b\.yaml:3:5: error: checks\[1\]: needs /),
    'b.yaml:3:11: error: checks[1].use: there is no template "nope"',
    expect.stringMatching(/^b\.yaml:4:23: error: check\.ttl: /),
    expect.stringMatching(/^b\.yaml:4:23: error: check\.ttl: /),
  ]);
});

test('what a default or a template brings into many definitions is told once, where it stands', async () => {
  const { problems } = await load(
    {
      'a.yaml': `defaults: {check: {timeout: 1d}}
templates: {t: {check: {name: "\${each}", http: nowhere, interval: 5s}}}
checks:
  - {use: t, with: {each: a}}
  - {use: t, with: {each: b}}
`,
    },
    { dev: true },
  );
  expect(problems).toEqual([
    expect.stringMatching(/^a\.yaml:1:29: error: defaults\.check\.timeout: must be a duration/),
    'a.yaml:2:48: error: checks[0].http: must be a URL that begins with http:// or https://',
  ]);
});

test('an id twice in a file is a slip; a later file wins over an earlier one, and that is said', async () => {
  const { config, problems } = await load(
    {
      'a.yaml': 'check: {name: web, tcp: "localhost:80", interval: 10s}\nservice: {name: db, port: 1}\n',
      'b.yaml':
        'check: {id: web, name: other, tcp: "localhost:81", interval: 10s}\nservice: {name: db, port: 2}\n',
    },
    { dev: true },
  );
  expect(problems).toEqual([
    'b.yaml:1:8: warning: check: replaces the check with the id "web" at a.yaml:1:8',
    'b.yaml:2:10: warning: service: replaces the service with the id "db" at a.yaml:2:10',
  ]);
  expect(config).toMatchObject({ checks: [{ id: 'web', name: 'other' }], services: [{ id: 'db', port: 2 }] });
  const twice = 'checks:\n  - {name: web, ttl: 10s}\n  - {name: web, ttl: 20s}\n';
  expect((await load({ 'a.yaml': twice }, { dev: true })).problems).toEqual([
    'a.yaml:3:5: error: checks[1]: the check id "web" is taken at a.yaml:2:5; give it another id',
  ]);
});

test('a check belongs to a service that exists', async () => {
  const lost = { 'a.yaml': 'check: {name: lost, service_id: dbb, ttl: 10s}\nservice: {name: db}\n' };
  expect((await load(lost, { dev: true })).problems).toEqual([
    'a.yaml:1:8: error: check: belongs to the service "dbb", which this configuration does not define',
  ]);
});

test('a part of a configuration is judged by what it says, not by what it lacks', async () => {
  const part = { 'a.yaml': 'check: {name: disk, service_id: db, args: [/bin/true], interval: 10s}\n' };
  expect(await load(part, {}, { partial: true })).toEqual({
    config: null,
    problems: [
      'a.yaml:1:8: warning: check: runs a program, which is off: set enable_local_script_checks: true where it is used',
    ],
  });
});

test('a file that cannot be read is the only thing that is missed', async () => {
  const result = await loadConfig({ paths: [join(folder, 'none.yaml')], flags: {} }, host);
  expect(result.problems.map(({ message }) => message)).toEqual([
    'cannot be read: there is no such file or folder',
  ]);
  expect((await load({ 'a.yaml': 'a: [' })).problems).toEqual([expect.stringContaining('not valid YAML')]);
});

test('one broken file does not hide the errors of the next', async () => {
  const { problems } = await load({ 'a.yaml': 'a: [\n', 'b.yaml': 'nodename: x\n' }, { dev: true });
  expect(problems).toEqual([
    expect.stringMatching(/^a\.yaml:\d+:\d+: error: not valid YAML: /),
    'b.yaml:1:1: error: nodename: is not a known key (did you mean "node_name"?)',
  ]);
});

test('secrets come from the environment and from files, into settings and definitions', async () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 's3cr3t ${each}\n');
  const { config, problems } = await load(
    {
      'a.yaml': [
        'encrypt: ${env:KEY}',
        'checks:',
        '  - for_each: [a]',
        '    id: ${each}',
        '    name: web',
        '    http: http://localhost/',
        '    interval: 10s',
        `    header: {Authorization: ["Bearer \${env:TOKEN}", "\${file:${secret}}"]}`,
      ].join('\n'),
    },
    { dev: true },
  );
  expect(problems).toEqual([]);
  expect(config).toMatchObject({ encrypt: host.env.KEY, checks: [{ id: 'a' }] });
  expect(JSON.stringify(config!.checks)).toContain(
    '["Authorization","Bearer geheim"],["Authorization","s3cr3t ${each}"]',
  );
  expect(config!.secrets).toEqual([host.env.KEY, 'geheim', 's3cr3t ${each}']);
});

test('whatever stands in a file, reading it ends with an answer and never with a crash', async () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'a', '10s', '${x}', '${env:TOKEN}', '127.0.0.1', '::'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...words), tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  const files = fc.oneof(
    fc.dictionary(fc.constantFrom(...words), value, { maxKeys: 6 }).map((object) => JSON.stringify(object)),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(files, async (text) => {
      const { config, problems } = await load({ 'a.yaml': text }, { dev: true });
      expect(config === null).toBe(problems.some((problem) => problem.includes(': error: ')));
    }),
    { numRuns: 200 },
  );
});

const words = [
  ...[
    'checks',
    'check',
    'services',
    'service',
    'templates',
    'defaults',
    'ports',
    'http',
    'node_name',
    'node_meta',
  ],
  ...[
    'retry_join',
    'bind_addr',
    'server',
    'encrypt',
    'for_each',
    'use',
    'with',
    'parameters',
    'id',
    'name',
    'ttl',
  ],
  ...[
    'interval',
    'args',
    'header',
    'meta',
    'tagged_addresses',
    'lan',
    'address',
    'port',
    '__proto__',
    'constructor',
  ],
];

test('templates are there for clients to name, with their secrets filled in and kept', async () => {
  const { config } = await load(
    {
      'a.yaml': `
templates:
  web: {check: {name: 'web \${port}', http: 'http://localhost:\${port}/?key=\${env:TOKEN}'}}
defaults: {check: {interval: 15s}}
`,
    },
    { dev: true },
  );
  expect(config).toMatchObject({
    templates: { web: { check: { name: 'web ${port}', http: 'http://localhost:${port}/?key=geheim' } } },
    checkDefaults: { interval: '15s' },
    secrets: ['geheim'],
  });
});
