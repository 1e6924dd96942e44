// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of definitions look like that
import { expect, test } from 'vitest';
import type { TemplateRequest } from '../../agent/config/template-check.ts';
import { LocalAgent, type LocalSettings } from '../../agent/local-agent.ts';
import { LocalState } from '../../agent/local-state.ts';
import type { MaintenanceReasons } from '../../agent/maintenance.ts';
import { type ApiRegistrations, Registrations, type StoredValue } from '../../agent/registrations.ts';
import { Templates } from '../../agent/templates.ts';
import { CheckRunner } from '../../checks/runner.ts';
import { parseServiceDefinition, type ServiceDefinition } from '../../proto/schema/definitions.ts';
import type { JournalDraft } from '../../proto/schema/journal.ts';
import { define, every10s, FakeKinds } from '../checks/fakes.ts';
import { VirtualClock } from '../sim/clock.ts';

const loaded = new Templates();
await loaded.load();

const noFiles: LocalSettings = {
  services: [],
  checks: [],
  templates: {},
  checkDefaults: {},
  enableScriptChecks: false,
  enableLocalScriptChecks: false,
};

function files(settings: Partial<LocalSettings>): LocalSettings {
  return { ...noFiles, ...settings };
}

function stored<T>(): StoredValue<T> & { value: T | undefined } {
  return {
    value: undefined as T | undefined,
    read() {
      return this.value;
    },
    write(value: T) {
      this.value = value;
    },
    saved: async () => {},
  };
}

function service(keys: object): ServiceDefinition {
  const parsed = parseServiceDefinition({ name: 'shop', ...keys });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

function host(kept = { api: stored<ApiRegistrations>(), maintenance: stored<MaintenanceReasons>() }) {
  const clock = new VirtualClock();
  const kinds = new FakeKinds(clock);
  const records: JournalDraft[] = [];
  const dropped: string[] = [];
  const state = new LocalState({ wallMs: () => clock.wallMs(), record: (draft) => void records.push(draft) });
  const local = new LocalAgent({
    node: 'web-1',
    clock,
    state,
    registrations: new Registrations(kept.api),
    maintenance: kept.maintenance,
    templates: loaded,
    onDropped: (id, reason) => dropped.push(`${id}: ${reason}`),
    runner: (onChange) => new CheckRunner({ node: 'web-1', clock, kinds, onChange }),
  });
  const status = (id: string) => state.check(id)?.status;
  return { clock, kinds, records, dropped, state, local, kept, status };
}

test('a check of a file runs, and its changes reach the rows', async () => {
  const { clock, kinds, local, records, status } = host();
  local.start(files({ services: [], checks: [every10s({ id: 'door' })] }));
  expect(status('door')).toBe('pending');
  await clock.settleFor(3_000);
  expect(status('door')).toBe('passing');
  kinds.status = 'critical';
  await clock.settleFor(12_000);
  expect(records.map(({ kind }) => kind)).toEqual(['check.put', 'check.status', 'check.status']);
});

test('what left the files goes, what a client registered stays', () => {
  const { local, status } = host();
  local.start(
    files({ services: [service({ check: { ttl: '1m' } })], checks: [define({ id: 'door', ttl: '1m' })] }),
  );
  local.registerCheck(define({ id: 'mine', ttl: '1m' }));
  local.apply(noFiles);
  expect(local.services()).toEqual([]);
  expect(status('door')).toBeUndefined();
  expect(status('service:shop')).toBeUndefined();
  expect(status('mine')).toBe('pending');
});

test('a restart keeps registrations of clients and maintenance, and forgets old files', () => {
  const first = host();
  first.local.start(files({ services: [], checks: [define({ id: 'door', ttl: '1m' })] }));
  first.local.registerService(service({ check: { ttl: '1m' } }), { replaceChecks: false });
  first.local.setMaintenance('shop', true, 'new shelves');
  const second = host(first.kept);
  second.local.start(noFiles);
  expect(second.local.checks().map(({ id }) => id)).toEqual(['service:shop', '_service_maintenance:shop']);
  expect(second.local.checks()[1]).toMatchObject({
    notes: 'new shelves',
    status: 'critical',
    serviceName: 'shop',
  });
});

test('a reload tells what it brings back, and what a client had put in its place', () => {
  const { local } = host();
  const checks = [define({ id: 'door', ttl: '1m' }), define({ id: 'job', ttl: '1m' })];
  local.start(files({ services: [], checks }));
  expect(local.apply(files({ services: [], checks }))).toEqual([]);
  local.deregisterCheck('door');
  local.registerCheck(define({ id: 'job', ttl: '2m' }));
  expect(local.apply(files({ services: [], checks }))).toEqual([
    { item: 'check', id: 'job', change: 'changed' },
    { item: 'check', id: 'door', change: 'added' },
  ]);
});

test('only TTL checks are fed by clients', () => {
  const { local, status } = host();
  local.start(files({ services: [], checks: [define({ id: 'job', ttl: '1m' }), every10s({ id: 'door' })] }));
  expect(local.feed('job', 'passing', 'done')).toBe('fed');
  expect(status('job')).toBe('passing');
  expect(local.feed('door', 'passing', '')).toBe('not fed by clients');
  expect(local.feed('nope', 'passing', '')).toBe('unknown');
});

test('an alias takes over the worst of its service and its node', () => {
  const { local, status } = host();
  const alias = define({ id: 'all', alias_service: 'shop' });
  local.start(files({ services: [service({ check: { ttl: '1m' } })], checks: [alias] }));
  local.feed('service:shop', 'passing', '');
  expect(status('all')).toBe('passing');
  local.feed('service:shop', 'warning', 'slow');
  expect(status('all')).toBe('warning');
  local.setMaintenance(null, true, '');
  local.feed('service:shop', 'passing', '');
  expect(status('all')).toBe('critical');
});

test('aliases of two services beside each other follow their own, down and up again', () => {
  const { local, status } = host();
  const till = service({ name: 'till', check: { ttl: '1m' } });
  const checks = ['shop', 'till'].map((name) => define({ id: name, alias_service: name }));
  local.start(files({ services: [service({ check: { ttl: '1m' } }), till], checks }));
  for (const verdict of ['passing', 'critical', 'passing'] as const) {
    local.feed('service:shop', verdict, '');
    local.feed('service:till', 'passing', '');
    expect([status('shop'), status('till')]).toEqual([verdict, 'passing']);
  }
});

test('a service whose check stays critical is removed after its time, and not when it recovers', async () => {
  const { clock, local } = host();
  const check = { ttl: '10m', deregister_critical_service_after: '1m' };
  local.start(files({ services: [service({ check }), service({ name: 'till', check })], checks: [] }));
  local.feed('service:shop', 'critical', '');
  local.feed('service:till', 'critical', '');
  await clock.settleFor(30_000);
  local.feed('service:till', 'passing', '');
  await clock.settleFor(40_000);
  expect(local.services().map(({ id }) => id)).toEqual(['till']);
});

test('checks of a service that are not named again stay unless they are to be replaced', () => {
  const { local } = host();
  local.start(noFiles);
  local.registerService(service({ checks: [{ ttl: '1m' }, { ttl: '2m' }] }), { replaceChecks: false });
  local.registerService(service({ check: { checkid: 'one', ttl: '1m' } }), { replaceChecks: false });
  expect(local.checks().map(({ id }) => id)).toEqual(['service:shop:1', 'service:shop:2', 'one']);
  local.registerService(service({ check: { checkid: 'one', ttl: '1m' } }), { replaceChecks: true });
  expect(local.checks().map(({ id }) => id)).toEqual(['one']);
});

test('maintenance can be ended, and is not for services that nobody knows', () => {
  const { local, kept } = host();
  local.start(noFiles);
  local.setMaintenance('nope', true, '');
  local.setMaintenance(null, true, '');
  expect(local.checks()).toMatchObject([{ id: '_node_maintenance', type: 'maintenance' }]);
  local.setMaintenance(null, false, '');
  expect(local.checks()).toEqual([]);
  expect(kept.maintenance.value).toEqual({});
});

const script = define({ id: 'backup', args: ['/bin/true'], interval: '1h' });
const templates = {
  port: {
    parameters: { timeout: '5s' },
    check: { name: 'port ${port}', tcp: 'localhost:${port}', interval: '10s' },
  },
  disk: { check: { name: 'disk', args: ['/opt/check_disk', '${mount}'], interval: '1m' } },
};

function request(use: string, values: TemplateRequest['with'] = {}): TemplateRequest {
  return { use, with: values, id: '', name: '', notes: '', serviceId: '' };
}

test('a script that a client registered goes when the operator withdraws the permission, also over a restart', () => {
  const first = host();
  first.local.start(files({ enableScriptChecks: true }));
  first.local.registerCheck(script);
  first.local.registerCheck(define({ id: 'mine', ttl: '1m' }));
  const second = host(first.kept);
  second.local.start(files({ enableLocalScriptChecks: true }));
  expect(second.local.checks().map(({ id }) => id)).toEqual(['mine']);
  expect(second.dropped[0]).toMatch(/^backup: .*enable_script_checks/);
  expect(first.local.apply(noFiles)).toEqual([{ item: 'check', id: 'backup', change: 'removed' }]);
  expect(first.status('backup')).toBeUndefined();
});

test('a client names a template and fills it in, and only where the operator allows scripts', async () => {
  const { local, status } = host();
  local.start(files({ templates }));
  const wish = request('port', { port: 5432 });
  local.registerCheck(await local.fillTemplate(wish), wish);
  expect(status('port 5432')).toBe('pending');
  await expect(local.fillTemplate(request('disk', { mount: '/' }))).rejects.toThrow(
    'enable_local_script_checks',
  );
  local.apply(files({ templates, enableLocalScriptChecks: true }));
  expect((await local.fillTemplate(request('disk', { mount: '/' }))).spec).toMatchObject({
    args: ['/opt/check_disk', '/'],
  });
  await expect(local.fillTemplate(request('dsk'))).rejects.toThrow('did you mean "disk"?');
});

test('what a template made follows the template, over restarts and reloads, and goes with it', async () => {
  const first = host();
  first.local.start(files({ templates }));
  const wish = request('port', { port: 5432 });
  first.local.registerCheck(await first.local.fillTemplate(wish), wish);
  expect(first.kept.api.value).toMatchObject({ checks: [], fromTemplates: [{ use: 'port' }] });

  const second = host(first.kept);
  second.local.start(files({ templates }));
  expect(second.local.checks()).toMatchObject([{ id: 'port 5432', intervalMs: 10_000 }]);
  const slower = { port: { check: { ...templates.port.check, interval: '1m' } } };
  expect(second.local.apply(files({ templates: slower }))).toEqual([
    { item: 'check', id: 'port 5432', change: 'changed' },
  ]);
  expect(second.local.checks()).toMatchObject([{ intervalMs: 60_000 }]);
  expect(second.local.apply(noFiles)).toEqual([{ item: 'check', id: 'port 5432', change: 'removed' }]);
  expect(second.dropped[0]).toContain('there is no template "port"');
  expect(second.kept.api.value!.fromTemplates).toEqual([]);
});

test('what the newest run of each check has measured', async () => {
  const { local, kinds, clock } = host();
  local.start(files({ checks: [every10s({ id: 'door' }), define({ id: 'job', ttl: '1m' })] }));
  expect(local.measured()).toEqual([]);
  const draught = { name: 'draught', value: 3, unit: 'm/s', warning: '', critical: '', min: 0, max: null };
  kinds.metrics = [draught];
  await clock.settleFor(5_000);
  expect(local.measured()).toEqual([{ check: 'door', service: '', metrics: [draught] }]);
});

test('a check is run when somebody asks; one that is fed is not', async () => {
  const { local, kinds, clock } = host();
  const checks = [every10s({ id: 'door', failures_before_critical: 2 }), define({ id: 'job', ttl: '1m' })];
  local.start(files({ checks }));
  await clock.settleFor(5_000);
  kinds.status = 'critical';
  const running = local.runCheck('door');
  await clock.settleFor(100);
  expect(await running).toMatchObject({
    outcome: { status: 'critical', output: 'fine' },
    durationMs: 20,
    from: 'passing',
    to: 'passing',
  });
  expect(await local.runCheck('job')).toBe('not run');
  expect(await local.runCheck('nope')).toBe('unknown');
});
