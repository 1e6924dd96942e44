import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  type CheckDefinition,
  checkInput,
  type DecodeOptions,
  parseCheckDefinition,
  parseServiceDefinition,
  type ServiceDefinition,
  serviceInput,
} from '../../../proto/schema/definitions.ts';

function check(value: unknown, options?: DecodeOptions): CheckDefinition {
  const parsed = parseCheckDefinition(value, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

function service(value: unknown): ServiceDefinition {
  const parsed = parseServiceDefinition(value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

function errors(value: unknown, options?: DecodeOptions): string[] {
  const parsed = parseCheckDefinition(value, options);
  if (parsed.ok) return [];
  return parsed.errors.map(
    (error) => `${error.path.join('.')}: ${error.message}${error.suggestion ? ` → ${error.suggestion}` : ''}`,
  );
}

function warnings(value: unknown): string[] {
  const parsed = parseCheckDefinition(value);
  return parsed.ok
    ? parsed.warnings.map((warning) => `${warning.path.join('.')}: ${warning.message}`)
    : ['refused'];
}

test('the smallest check gets the defaults of Consul', () => {
  expect(check({ name: 'web', http: 'http://127.0.0.1/', interval: '10s' })).toEqual({
    id: 'web',
    name: 'web',
    notes: '',
    serviceId: '',
    token: '',
    initialStatus: null,
    intervalMs: 10_000,
    cron: null,
    timeoutMs: 10_000,
    retryIntervalMs: null,
    recoveryIntervalMs: null,
    recoveryIntervalMaxMs: null,
    successBeforePassing: 1,
    failuresBeforeWarning: 1,
    failuresBeforeCritical: 1,
    staleAfterIntervals: 3,
    outputBytesMax: null,
    deregisterServiceAfterMs: null,
    spec: {
      kind: 'http',
      url: 'http://127.0.0.1/',
      method: 'GET',
      headers: [],
      body: '',
      followRedirects: true,
      tls: { serverName: '', skipVerify: false, caFile: '', certFile: '', keyFile: '' },
      assertion: null,
    },
  });
  expect(check({ name: 's', args: ['true'], interval: '10s' }).timeoutMs).toBe(30_000);
});

test('keys may be written in snake_case, in CamelCase and without regard to case', () => {
  const snake = check({
    id: 'x',
    name: 'n',
    tcp: '127.0.0.1:80',
    interval: '10s',
    tls_skip_verify: true,
    deregister_critical_service_after: '90m',
    output_max_size: 100,
  });
  expect(
    check({
      ID: 'x',
      Name: 'n',
      TCP: '127.0.0.1:80',
      Interval: '10s',
      TLSSkipVerify: true,
      DeregisterCriticalServiceAfter: '90m',
      OutputMaxSize: 100,
    }),
  ).toEqual(snake);
  expect(
    check({
      CheckID: 'x',
      NAME: 'n',
      Tcp: '127.0.0.1:80',
      interval: 10e9,
      tlsskipverify: true,
      deregistercriticalserviceafter: 5400e9,
      outputmaxsize: 100,
    }),
  ).toEqual(snake);
});

test('args have three names, and one check takes only one of them', () => {
  const kinds = [{ args: ['a'] }, { ScriptArgs: ['a'] }, { script_args: ['a'] }];
  for (const args of kinds) {
    expect(check({ name: 'n', interval: '1s', ...args }).spec).toMatchObject({ kind: 'script', args: ['a'] });
  }
  expect(errors({ name: 'n', interval: '1s', args: ['a'], ScriptArgs: ['b'] })).toEqual([
    'ScriptArgs: is given twice, here and as "args"',
  ]);
});

test('all mistakes are found at once, each at its key, and a misspelt key leads to the right one', () => {
  expect(
    errors({ name: 5, http: 'http://x/', Intervall: '10s', timeout: '10', header: { a: 1 }, status: 'fine' }),
  ).toEqual([
    'Intervall: is not a known key → interval',
    'name: must be a string, not 5',
    'status: must be one of passing, warning, critical, not "fine"',
    'timeout: must be a duration such as "10s", "1m30s" or "500ms" (time: missing unit in duration "10")',
    'header.a: must be a list of strings',
  ]);
});

test('a number is a duration in nanoseconds, unless the file is YAML', () => {
  expect(check({ name: 'n', ttl: 15e9 }).spec).toEqual({ kind: 'ttl', ttlMs: 15_000 });
  expect(errors({ name: 'n', ttl: 15 }, { numericDurations: 'refused' })).toContain(
    'ttl: needs a unit → 15s',
  );
});

test('null, empty strings and zeros count as not given', () => {
  expect(check({ Name: 'n', TTL: '10s', HTTP: '', Args: null, Interval: '0s', Notes: null }).spec.kind).toBe(
    'ttl',
  );
});

test('a short interval is raised to a second, and we say so', () => {
  expect(check({ name: 'n', tcp: 'a:1', interval: '10ms' }).intervalMs).toBe(1_000);
  expect(warnings({ name: 'n', tcp: 'a:1', interval: '10ms' })).toEqual([
    'interval: is raised to 1s, the shortest interval',
  ]);
});

test('keys of another kind are taken without effect, and we say so', () => {
  expect(warnings({ name: 'n', tcp: 'a:1', interval: '10s', Method: 'GET', Namespace: 'x' })).toEqual([
    'Method: has no meaning for a check of kind tcp',
    'Namespace: has no meaning here',
  ]);
});

test('of two kinds in one definition the first of the list counts, and we say so', () => {
  const both = { name: 'n', interval: '10s', http: 'http://x/', tcp: 'x:1' };
  expect(check(both).spec.kind).toBe('http');
  expect(warnings(both)).toEqual([
    'tcp: has no effect: this is a check of kind http; make two checks of them',
  ]);
});

test('a cron expression stands instead of an interval', () => {
  expect(check({ name: 'n', args: ['x'], cron: '30 3 * * *', timezone: 'Europe/Berlin' })).toMatchObject({
    intervalMs: 0,
    cron: { expression: '30 3 * * *', timezone: 'Europe/Berlin' },
  });
  expect(errors({ name: 'n', args: ['x'], cron: '61 * * * *' })).toEqual([
    'cron: Invalid value for minute: 61',
  ]);
  expect(errors({ name: 'n', args: ['x'], cron: '* * * * *', interval: '1s' })).toEqual([
    'cron: cannot stand beside interval',
  ]);
});

test('thresholds count from one, and warning comes no later than critical', () => {
  expect(check({ name: 'n', ttl: '1s', failures_before_critical: 3 })).toMatchObject({
    successBeforePassing: 1,
    failuresBeforeWarning: 3,
    failuresBeforeCritical: 3,
  });
  expect(errors({ name: 'n', ttl: '1s', failures_before_warning: 3, failures_before_critical: 2 })).toEqual([
    'failures_before_warning: must not be greater than failures_before_critical (2)',
  ]);
});

test('DeregisterCriticalServiceAfter is at least a minute', () => {
  const after = (text: string) => check({ name: 'n', ttl: '1s', deregister_critical_service_after: text });
  expect(after('10s').deregisterServiceAfterMs).toBe(60_000);
  expect(after('2h').deregisterServiceAfterMs).toBe(7_200_000);
});

test.each([
  [
    { args: ['/bin/true'], limits: { memory: '256MiB', open_files: 64 }, sha256: 'A'.repeat(64) },
    {
      kind: 'script',
      limits: { memoryBytes: 268_435_456, openFiles: 64, fileBytes: null, cpuSeconds: null },
      sha256: 'a'.repeat(64),
    },
  ],
  [
    { docker_container_id: 'abc', args: ['true'], shell: '/bin/sh' },
    { kind: 'docker', container: 'abc', args: ['true'] },
  ],
  [
    { grpc: '127.0.0.1:50051/some.Service' },
    { kind: 'grpc', target: { host: '127.0.0.1', port: 50_051 }, service: 'some.Service', tls: null },
  ],
  [
    { h2ping: '[::1]:443' },
    { kind: 'h2ping', target: { host: '::1', port: 443 }, tls: { skipVerify: false } },
  ],
  [
    { tcp: 'db:5432', tcp_use_tls: true, tls_server_name: 'db.test' },
    { kind: 'tcp', tls: { serverName: 'db.test' } },
  ],
  [{ udp: '127.0.0.1:53' }, { kind: 'udp', target: { host: '127.0.0.1', port: 53 } }],
  [
    { dns: 'example.test', dns_type: 'MX', dns_server: '127.0.0.1' },
    { kind: 'dns', type: 'MX', server: { host: '127.0.0.1', port: 53 } },
  ],
  [
    { tls: 'example.test' },
    { kind: 'tls', target: { host: 'example.test', port: 443 }, warningDays: 21, criticalDays: 7 },
  ],
  [
    { icmp: '127.0.0.1', warning: '100ms' },
    { kind: 'icmp', warningMs: 100, criticalMs: null },
  ],
  [{ os_service: 'nginx.service' }, { kind: 'os_service', unit: 'nginx.service' }],
  [
    { disk: '/', warning: '70%', critical: 85 },
    { kind: 'disk', warningPercent: 70, criticalPercent: 85 },
  ],
  [{ memory: true }, { kind: 'memory', warningPercent: 85, criticalPercent: 95 }],
  [{ load: true }, { kind: 'load', minutes: 5, warningPerCpu: 2, criticalPerCpu: 4 }],
  [
    { process: 'nginx', process_max: 8 },
    { kind: 'process', program: 'nginx', min: 1, max: 8 },
  ],
  [
    { file_age: '/var/backup/last', critical: '26h' },
    { kind: 'file_age', warningMs: null, criticalMs: 93_600_000 },
  ],
  [
    { clock: true, warning: '1s' },
    { kind: 'clock', warningMs: 1_000, criticalMs: 5_000 },
  ],
])('%j chooses its kind', (keys, spec) => {
  expect(check({ name: 'n', interval: '10s', ...keys }).spec).toMatchObject(spec);
});

test('an alias follows a node or a service, without an interval of its own', () => {
  expect(check({ Name: 'a', AliasService: 'web' })).toMatchObject({
    intervalMs: 10_000,
    spec: { kind: 'alias', node: '', service: 'web' },
  });
});

test.each([
  [{ http: 'ftp://x/' }, 'http: must be a URL that begins with http:// or https://'],
  [{ http: 'http://x/', header: { 'a b': ['1'] } }, 'header: "a b" is no name of a header'],
  [{ http: 'http://x/', header: { a: ['1\r\nb: 2'] } }, 'header: the value of a cannot be sent'],
  [{ http: 'http://x/', method: 'GET /' }, 'method: is no HTTP method'],
  [{ tcp: 'nowhere' }, 'tcp: needs a port: HOST:PORT'],
  [
    { tcp: '300.1.1.1:5' },
    'tcp: "300.1.1.1:5" is no HOST[:PORT]: "300.1.1.1" is neither an IP address nor a host name',
  ],
  [{ args: [''] }, 'args: must begin with the name of a program'],
  [{ args: ['x'], sha256: 'abc' }, 'sha256: must be 64 hexadecimal digits'],
  [{ args: ['x'], limits: { memory: 'much' } }, 'limits.memory: must be a size such as "256MiB"'],
  [{ args: ['x'], limits: { ram: 5 } }, 'limits.ram: is not a known key'],
  [{ os_service: '--help' }, 'os_service: is no name of a unit'],
  [{ disk: '/', warning: '120%' }, 'warning: must be a percentage from 0 to 100'],
  [{ file_age: '/x' }, 'file_age: needs a limit: warning or critical'],
  [{ docker_container_id: 'x' }, 'docker_container_id: needs args: what to run in the container'],
  [{ dns: 'a.test', dns_server: 'ns.test' }, 'dns_server: must be an IP address'],
  [
    { http: 'http://x/', assert: { status: ['2x'] } },
    'assert.status: "2x" is no status such as 200, "2xx" or "200-204"',
  ],
  [
    { http: 'http://x/', assert: { json: { 'a..b': 1 } } },
    'assert.json: "a..b" is no path such as $.status or $.queue[0].depth',
  ],
])('%j is refused', (keys, message) => {
  expect(errors({ name: 'n', interval: '10s', ...keys })).toEqual([message]);
});

test('assertions are read into ranges, patterns and paths', () => {
  const { spec } = check({
    name: 'n',
    interval: '10s',
    http: 'http://x/',
    assert: {
      status: [200, '3xx', '404-410'],
      header: { 'Content-Type': 'text/*' },
      body: 'ready',
      body_not: ['error'],
      json: { '$.status': 'green', 'queue[0]["max depth"]': { max: 5 } },
      latency: { warning: '500ms' },
      certificate_days: { critical: 7 },
    },
  });
  expect(spec).toMatchObject({
    assertion: {
      statuses: [
        { from: 200, to: 200 },
        { from: 300, to: 399 },
        { from: 404, to: 410 },
      ],
      headers: [{ name: 'content-type', pattern: 'text/*' }],
      bodyContains: ['ready'],
      bodyLacks: ['error'],
      json: [
        { path: ['status'], equals: 'green' },
        { path: ['queue', 0, 'max depth'], max: 5 },
      ],
      warningMs: 500,
      criticalMs: null,
      certificateWarningDays: null,
      certificateCriticalDays: 7,
    },
  });
});

test('checks of a service are numbered when there are several, unless they have an id', () => {
  const ids = (value: object) =>
    service({ name: 'web', id: 'web1', ...value }).checks.map((check) => check.id);
  expect(ids({ check: { ttl: '1s' } })).toEqual(['service:web1']);
  expect(ids({ checks: [{ ttl: '1s' }] })).toEqual(['service:web1']);
  expect(ids({ check: { ttl: '1s' }, checks: [{ ttl: '1s', checkid: 'own' }, { ttl: '1s' }] })).toEqual([
    'service:web1:1',
    'own',
    'service:web1:3',
  ]);
  expect(ids({ check: {} })).toEqual([]);
  expect(service({ name: 'web', check: { ttl: '1s' } }).checks[0]).toMatchObject({
    name: "Service 'web' check",
    serviceId: 'web',
  });
});

test('a service is read with every field of Consul', () => {
  expect(
    service({
      ID: 'web1',
      Name: 'web',
      Tags: ['primary'],
      Address: '127.0.0.20',
      Port: 8080,
      TaggedAddresses: {
        lan: { address: '127.0.0.20', port: 8080 },
        wan: { Address: '198.51.100.1', Port: 80 },
      },
      Meta: { version: '4.0' },
      EnableTagOverride: true,
      Weights: { Passing: 10 },
    }),
  ).toEqual({
    id: 'web1',
    name: 'web',
    tags: ['primary'],
    address: '127.0.0.20',
    port: 8080,
    meta: { version: '4.0' },
    taggedAddresses: {
      lan: { address: '127.0.0.20', port: 8080 },
      wan: { address: '198.51.100.1', port: 80 },
    },
    weights: { passing: 10, warning: 1 },
    enableTagOverride: true,
    kind: '',
    token: '',
    checks: [],
  });
});

test('a mistake in a check of a service is placed there, in the spelling of the file', () => {
  const parsed = parseServiceDefinition({
    Name: 'web',
    Checks: [{ TTL: '1s' }, { HTTP: 'http://x/', Intervall: '1s', CheckID: 'service:web:1' }],
  });
  expect(parsed).toMatchObject({
    ok: false,
    errors: [
      { path: ['Checks', 1, 'Intervall'], suggestion: 'interval' },
      { path: ['Checks', 1], message: 'has the id of another check of this service, "service:web:1"' },
    ],
  });
});

test('a wrong value does not hide what else is wrong, and is not missed as well', () => {
  const wrong = { name: 'a', http: 'http://x', ttl: '5s', interval: '10s', timeout: 'abc' };
  expect(errors(wrong)).toEqual([expect.stringMatching(/^timeout: /), 'interval: cannot stand beside ttl']);
  expect(errors({ name: 'a', ttl: 30 }, { numericDurations: 'refused' })).toEqual([
    'ttl: needs a unit → 30s',
  ]);
  expect(errors({ nmae: 'a', tcp: 5, status: 'fine' })).toEqual([
    'nmae: is not a known key → name',
    expect.stringMatching(/^status: /),
    'tcp: must be a string, not 5',
  ]);
  const service = {
    nam: 'web',
    port: '80',
    checks: [{ tcp: 'x', interval: 5, header: 1 }, { http: 'ftp://x' }],
  };
  expect(parseServiceDefinition(service, { numericDurations: 'refused' })).toMatchObject({
    ok: false,
    errors: [
      { path: ['nam'] },
      { path: ['checks', 0, 'interval'] },
      { path: ['port'] },
      { path: ['checks', 0, 'header'] },
      { path: ['checks', 0, 'tcp'], message: 'needs a port: HOST:PORT' },
      { path: ['checks', 1, 'http'] },
      { path: ['checks', 1], message: 'needs an interval' },
    ],
  });
});

test('a hostile key is only a key', () => {
  const value = JSON.parse('{"name":"n","ttl":"1s","__proto__":{"x":1}}');
  expect(errors(value)).toEqual(['__proto__: is not a known key']);
  const parsed = parseServiceDefinition(JSON.parse('{"name":"n","meta":{"__proto__":"x"}}'));
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  expect(parsed.ok).toBe(true);
});

test.each([[null], [5], ['text'], [[]], [undefined]])('%j is no definition', (value) => {
  expect(parseCheckDefinition(value).ok).toBe(false);
  expect(parseServiceDefinition(value).ok).toBe(false);
});

test('JSON Schema 2020-12 of both can be made, with every key described', () => {
  const json = z.toJSONSchema(checkInput, { io: 'input' });
  expect(json.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(json.additionalProperties).toBe(false);
  expect(json.required).toBeUndefined();
  expect(json.properties).toMatchObject({
    http: { type: 'string', description: expect.stringContaining('URL') },
    interval: { type: ['string', 'number'] },
    status: { enum: ['passing', 'warning', 'critical'] },
  });
  expect(z.toJSONSchema(serviceInput, { io: 'input' }).properties).toMatchObject({
    checks: { type: 'array' },
  });
});

test.each([
  [
    {
      id: 'mem-util',
      name: 'Memory utilization',
      args: ['/usr/local/bin/check_mem.py', '-limit', '256MB'],
      interval: '10s',
      timeout: '1s',
    },
    'script',
  ],
  [
    {
      id: 'api',
      name: 'HTTP API on port 5000',
      http: 'https://localhost:5000/health',
      tls_server_name: '',
      tls_skip_verify: false,
      method: 'POST',
      header: { 'Content-Type': ['application/json'] },
      body: '{"method":"health"}',
      disable_redirects: true,
      interval: '10s',
      timeout: '1s',
    },
    'http',
  ],
  [{ id: 'web-alias', alias_service: 'web' }, 'alias'],
  [
    { id: 'web-app', name: 'Web App Status', notes: 'Web app does a curl every 10 seconds', ttl: '30s' },
    'ttl',
  ],
  [
    {
      id: 'mem-util',
      name: 'Memory utilization',
      docker_container_id: 'f972c95ebf0e',
      shell: '/bin/bash',
      args: ['/usr/local/bin/check_mem.py'],
      interval: '10s',
    },
    'docker',
  ],
  [
    {
      id: 'mem-util',
      name: 'Service health status',
      grpc: '127.0.0.1:12345/my_service',
      grpc_use_tls: true,
      interval: '10s',
    },
    'grpc',
  ],
  [
    { id: 'h2ping-check', name: 'h2ping', h2ping: 'localhost:22222', interval: '10s', h2ping_use_tls: false },
    'h2ping',
  ],
  [
    {
      name: 'HTTP TCP on port 80',
      tcp: 'localhost:80',
      interval: '10s',
      timeout: '1s',
      success_before_passing: 3,
      failures_before_warning: 1,
      failures_before_critical: 3,
    },
    'tcp',
  ],
])("a definition in the manner of Consul's manual loads without a warning: %j", (value, kind) => {
  expect(check(value).spec.kind).toBe(kind);
  expect(warnings(value)).toEqual([]);
});

test('a check without a name is called by its id', () => {
  expect(check({ id: 'web-alias', alias_service: 'web' })).toMatchObject({
    id: 'web-alias',
    name: 'web-alias',
  });
});

interface Registration {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
  readonly text: string;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../fixtures/consul/registrations.json', import.meta.url), 'utf8'),
) as { entries: Registration[] };

/** Refused by 1.8.7 and taken by us, on purpose: newer keys, second spellings, what the agent decides later. */
const takenByUs = [
  /check_id|CheckID|an ID key inside|TLSServerName|output_max_size|success_before_passing/,
  /type udp|type h2ping|failures_before_warning|Namespace|scripts are disabled|unknown service/,
];

test.each(recorded.entries.map((entry) => [entry.name, entry] as const))('as recorded: %s', (name, entry) => {
  const parse = entry.path.includes('/check/') ? parseCheckDefinition : parseServiceDefinition;
  const parsed = parse(entry.body);
  const ours = takenByUs.some((pattern) => pattern.test(name));
  expect(parsed.ok).toBe(entry.status === 200 || ours);
  if (!parsed.ok) expect(parsed.errors[0]!.consul).toBe(entry.text);
});
