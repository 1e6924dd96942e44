/**
 * Exchanges with a real Consul, said again to our agent: same status, same text, same kinds of values in the same places.
 * Where we differ, `differs` says so and why.
 */
import { expect, test } from 'vitest';
import { recordedExchanges, type Seen, type Stage, shapeOf, stage } from './stage.ts';

type Recorded = ReturnType<typeof recordedExchanges> extends Map<string, infer Entry> ? Entry : never;

/** Keys of ours, or of a newer Consul, that 1.8 does not send. Clients ignore what they do not know. */
const extraKeys = new Set([
  'RollcallStatus',
  'LastChange',
  'LastResult',
  'Restored',
  'Interval',
  'Timeout',
  'ExposedPort',
]);

function withoutExtras(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExtras);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !extraKeys.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutExtras(inner)]));
}

async function say(on: Stage, entry: Recorded): Promise<Seen> {
  const { method, path, query, body, headers } = entry.request;
  const text =
    body === undefined || body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return on.request(`${path}${query ? `?${query}` : ''}`, {
    method,
    headers: { 'accept-encoding': 'identity', ...headers },
    ...(text === undefined || method === 'GET' ? {} : { body: text }),
  });
}

/** What a text answer comes down to: Consul's servers put where they were asked before it. */
function message(text: string): string {
  return text.replace(/^(rpc error making call: )+/, '');
}

function compare(entry: Recorded, seen: Seen, mode: 'shape' | 'status'): void {
  const { response } = entry;
  expect([entry.name, seen.status], entry.name).toEqual([entry.name, response.status]);
  if (response.status === 405) expect(seen.header('allow'), entry.name).toBe(response.headers.Allow);
  if (response.headers['Content-Type'] !== undefined) {
    expect(seen.type, entry.name).toBe(response.headers['Content-Type']);
  }
  if (mode === 'status') return;
  if (response.bodyText !== undefined) {
    expect([entry.name, seen.text], entry.name).toEqual([entry.name, message(response.bodyText)]);
  } else if (response.body !== undefined) {
    expect(shapeOf(withoutExtras(seen.json())), entry.name).toEqual(shapeOf(withoutExtras(response.body)));
  }
}

interface Plan {
  readonly skip?: readonly string[];
  /** Name → what we answer instead. */
  readonly differs?: Readonly<Record<string, { status: number; text?: string | RegExp }>>;
  /** Only the status is compared: the rows are those of another cluster. */
  readonly statusOnly?: readonly string[];
  readonly only?: (entry: Recorded) => boolean;
}

async function replay(file: string, on: Stage, plan: Plan): Promise<number> {
  let compared = 0;
  for (const [name, entry] of recordedExchanges(file)) {
    if (entry.request === undefined || plan.skip?.includes(name)) continue;
    if (plan.only !== undefined && !plan.only(entry)) continue;
    const seen = await say(on, entry);
    const other = plan.differs?.[name];
    if (other === undefined) compare(entry, seen, plan.statusOnly?.includes(name) ? 'status' : 'shape');
    else {
      expect([name, seen.status]).toEqual([name, other.status]);
      if (other.text !== undefined) expect(seen.text, name).toMatch(other.text);
    }
    compared += 1;
  }
  expect(on.bugs).toEqual([]);
  return compared;
}

const taken = { status: 200, text: /^$/ };

test('checks of the agent', async () => {
  const on = await stage({ scriptsAllowed: () => true });
  const compared = await replay('agent-checks', on, {
    only: (entry) => entry.target === 'client1',
    differs: {
      // We take every key of every version, in every spelling.
      'error: check_id is no key of this endpoint in 1.8': taken,
      'error: CheckID is no key of this endpoint in 1.8 (it is one inside of service definitions)': taken,
      'newer-than-1.8 field TLSServerName': taken,
      'error: output_max_size has no snake_case form here in 1.8': taken,
      'error: success_before_passing has no snake_case form here in 1.8': taken,
      'newer-than-1.8 type udp': taken,
      'newer-than-1.8 type h2ping': taken,
      'newer-than-1.8 field failures_before_warning': taken,
      // As newer versions have it.
      'pass an unknown check': { status: 404, text: /^Unknown check ID "nope"\. Ensure/ },
      'update an unknown check': { status: 404, text: /^Unknown check ID "nope"\. Ensure/ },
      'list with a filter that does not parse': { status: 400, text: /^Failed to create boolean/ },
      'list with a filter on an unknown field': { status: 400, text: /Selector "Bogus" is not valid/ },
      'list with a filter operator the field does not support': { status: 400, text: /Status/ },
      // Fake parts run nothing, so the rows differ.
      list: { status: 200 },
      'list with filter': { status: 200 },
    },
  });
  expect(compared).toBeGreaterThan(55);
});

test('services of the agent', async () => {
  const on = await stage();
  const compared = await replay('agent-services', on, {
    only: (entry) => entry.target === 'client1',
    skip: ['proxy list with Connect kind', 'hash blocking: unchanged until wait passes'],
    differs: {
      'error: check_id inside of a service definition': taken,
      'check with an ID key inside of a service definition': taken,
      'error: Namespace field on OSS': taken,
      'hash blocking: woken by a new registration': { status: 200 },
    },
    statusOnly: [
      'list',
      'list with filter',
      'list with filter on Meta',
      'checks made for the services',
      'one service',
      'after re-registering with another Check: old checks of the service stay (no replace-existing-checks)',
      'checks then',
      'maintenance check',
      'its check',
      'its checks are gone with it',
    ],
  });
  expect(compared).toBeGreaterThan(40);
});

test('what holds for every path', async () => {
  const on = await stage();
  on.server.join('client1', '127.0.0.4');
  const compared = await replay('http-general', on, {
    only: (entry) => entry.target === 'client1',
    skip: [
      'OPTIONS on kv',
      'ACL endpoint with ACLs off',
      // undici undoes the compression before we see it.
      'gzip on request',
      'gzip requested, small body',
    ],
    differs: {
      'pretty (raw text kept)': { status: 200, text: /^\[\n {4}"127\.0\.0\.1:8300"\n\]\n$/ },
      'not pretty (raw text kept)': { status: 200, text: /^\["127\.0\.0\.1:8300"\]$/ },
      'pretty=0 is still pretty (presence counts)': { status: 200, text: /^\[\n {4}"dc1"\n\]\n$/ },
      'body that is not JSON': { status: 400, text: /^Request decode failed: / },
      'cached read, first (health/service supports agent cache)': { status: 200 },
      'cached read, second': { status: 200 },
      'cached read with Cache-Control max-age': { status: 200 },
      'cached with must-revalidate': { status: 200 },
    },
  });
  expect(compared).toBeGreaterThan(15);
});

/** The nodes of the recorded cluster. */
async function recordedCluster(): Promise<Stage> {
  const on = await stage();
  on.server.join('client1', '127.0.0.4', { env: 'test', rack: 'r4' });
  for (const n of [1, 2, 3]) on.server.join(`server${n}`, `127.0.0.${n}`, { rack: `r${n}` });
  return on;
}

const hereOnly = (entry: Recorded) =>
  entry.target === 'client1' &&
  !entry.request.query?.includes('dc=dc2') &&
  !/consul|web|mesh/.test(entry.request.path);

test('the catalog', async () => {
  const on = await recordedCluster();
  const compared = await replay('catalog', on, {
    only: hereOnly,
    differs: {
      'error: snake_case keys are not known here in 1.8': { status: 200, text: /^true$/ },
      'nodes with a bad filter': { status: 400, text: /^Failed to create boolean/ },
      'error: body is not JSON': { status: 400, text: /^Request decode failed: / },
      'error: wrong type in the body': { status: 400, text: /cannot unmarshal number into Go struct field/ },
      'error: node name taken by another id of a live node': {
        status: 500,
        text: /Node name server1 is reserved by node id-server1 with name server1 \(127\.0\.0\.1\)/,
      },
    },
    // The recorded client runs more services, and one answer was written down shortened.
    statusOnly: [
      'datacenters',
      'services',
      'services by node-meta',
      'node client1 with its agent services',
      'nodes then',
    ],
  });
  expect(compared).toBeGreaterThan(50);
});

test('health', async () => {
  const on = await recordedCluster();
  const redis = (id: string, more: object) => ({ Service: 'redis', ID: id, Port: 8000, ...more });
  const node = { ID: '40e4a748-2192-161a-0510-9bf59fe950b5', Node: 'ext2', Address: '198.51.100.8' };
  const first = { Tags: ['primary', 'v1'], Address: '198.51.100.9', Meta: { redis_version: '4.0' } };
  const definition = {
    TCP: 'localhost:8888',
    Interval: '5s',
    Timeout: '1s',
    DeregisterCriticalServiceAfter: '30s',
  };
  const check = (CheckID: string, Status: string, ServiceID: string, more = {}) => ({
    CheckID,
    Name: CheckID,
    Status,
    ServiceID,
    ...more,
  });
  await on.request('/v1/catalog/register', {
    json: {
      ...node,
      Service: redis('redis1', first),
      Checks: [
        check('service:redis1', 'passing', 'redis1', { Definition: definition }),
        check('b', 'critical', 'redis1'),
      ],
    },
  });
  await on.request('/v1/catalog/register', {
    json: { ...node, Service: redis('redis2', { Tags: ['v2'] }), Check: check('a', 'warning', 'redis2') },
  });
  const compared = await replay('health', on, {
    only: hereOnly,
    differs: { 'service with a filter that fails': { status: 400, text: /^Failed to create boolean/ } },
  });
  expect(compared).toBeGreaterThan(20);
});
