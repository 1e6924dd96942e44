/** An agent's API on a real port, over a cluster that lives in this process. */
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { TemplateRequest } from '../../../agent/config/template-check.ts';
import type {
  Member,
  Membership,
  QueryRequest,
  QueryResult,
  UserEvent,
} from '../../../agent/gossip/membership.ts';
import type { HttpContext, LocalAgent, LocalCheck, MeasuredCheck } from '../../../agent/http/context.ts';
import { type RunningHttp, startHttp } from '../../../agent/http/server.ts';
import { LocalEvents } from '../../../agent/local-events.ts';
import { RecentUserEvents } from '../../../agent/user-events.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import type { Clock } from '../../../proto/ports.ts';
import type { OwnService } from '../../../proto/schema/catalog.ts';
import { type CheckDefinition, parseCheckDefinition } from '../../../proto/schema/definitions.ts';
import { SeededRandom } from '../../sim/random.ts';
import { OneServer } from './one-server.ts';

export const realClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export function member(name: string, fields: Partial<Member> = {}): Member {
  return {
    name,
    address: { host: '127.0.0.4', port: 8301 },
    tags: { role: 'node', dc: 'dc1', id: `id-${name}` },
    state: 'alive',
    incarnation: 1,
    sinceMs: 0,
    vsn: [1, 5, 2, 2, 5, 4],
    ...fields,
  };
}

/** Keeps what it is told, and runs nothing. */
export class FakeLocal implements LocalAgent {
  readonly #checks = new Map<string, LocalCheck>();
  readonly #services = new Map<string, OwnService>();

  checks(): readonly LocalCheck[] {
    return [...this.#checks.values()];
  }

  services(): readonly OwnService[] {
    return [...this.#services.values()];
  }

  registerCheck(definition: CheckDefinition): void {
    const service = this.#services.get(definition.serviceId);
    this.#checks.set(definition.id, {
      id: definition.id,
      name: definition.name,
      notes: definition.notes,
      status: definition.initialStatus ?? 'pending',
      output: '',
      serviceId: definition.serviceId,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
      type: definition.spec.kind,
      definition: {},
      changedAtMs: Date.UTC(2026, 10, 22),
      resultAtMs: Date.UTC(2026, 10, 23),
      restored: false,
      intervalMs: definition.intervalMs,
      timeoutMs: definition.timeoutMs,
    });
  }

  /** Knows one template, `disk`, and makes a script of it. */
  async fillTemplate({ use, with: values, id, serviceId }: TemplateRequest): Promise<CheckDefinition> {
    if (use !== 'disk') throw new ExpectedError('BAD_REQUEST', `use: there is no template "${use}"`);
    const args = ['/opt/check_disk', ...Object.entries(values).map(([key, value]) => `${key}=${value}`)];
    const parsed = parseCheckDefinition({ name: id || 'disk', args, interval: '10s', service_id: serviceId });
    if (!parsed.ok) throw new Error(parsed.errors[0]!.message);
    return parsed.definition;
  }

  /** As if the newest run of a check on disks had said `| used=85%`. */
  measured(): readonly MeasuredCheck[] {
    const used = { name: 'used', value: 85, unit: '%', warning: '80', critical: '', min: null, max: null };
    return this.#checks.has('disk') ? [{ check: 'disk', service: '', metrics: [used] }] : [];
  }

  async runCheck(id: string) {
    const check = this.#checks.get(id);
    if (check === undefined) return 'unknown' as const;
    if (check.type === 'ttl') return 'not run' as const;
    const metrics = [
      { name: 'load', value: 1.5, unit: 's', warning: '', critical: '', min: null, max: null },
    ];
    const outcome = { status: 'passing' as const, output: 'fine', metrics, details: { exitCode: 0 } };
    return { outcome, durationMs: 12.4, from: 'pending' as const, to: 'passing' as const };
  }

  deregisterCheck(id: string): boolean {
    return this.#checks.delete(id);
  }

  feed(id: string, status: string, output: string) {
    const check = this.#checks.get(id);
    if (check === undefined) return 'unknown' as const;
    if (check.type !== 'ttl') return 'not fed by clients' as const;
    this.#checks.set(id, { ...check, status, output });
    return 'fed' as const;
  }

  registerService({ checks, token: _, ...row }: Parameters<LocalAgent['registerService']>[0]): void {
    this.#services.set(row.id, row);
    for (const check of checks) this.registerCheck(check);
  }

  deregisterService(id: string): boolean {
    return this.#services.delete(id);
  }

  setMaintenance(serviceId: string | null, enable: boolean, reason: string): void {
    const id = serviceId === null ? '_node_maintenance' : `_service_maintenance:${serviceId}`;
    if (!enable) {
      this.#checks.delete(id);
      return;
    }
    this.#checks.set(id, {
      id,
      name: 'Maintenance',
      notes: reason,
      status: 'critical',
      output: '',
      serviceId: serviceId ?? '',
      serviceName: this.#services.get(serviceId ?? '')?.name ?? '',
      serviceTags: [],
      type: 'maintenance',
      definition: {},
      changedAtMs: 0,
      resultAtMs: 0,
      restored: false,
      intervalMs: 0,
      timeoutMs: 0,
    });
  }
}

export interface Stage {
  readonly server: OneServer;
  readonly local: FakeLocal;
  readonly members: Member[];
  readonly userEvents: RecentUserEvents;
  readonly localEvents: LocalEvents;
  readonly http: RunningHttp;
  readonly bugs: unknown[];
  readonly said: string[];
  url(path: string): string;
  request(path: string, init?: RequestInit & { json?: unknown }): Promise<Seen>;
}

export interface Seen {
  readonly status: number;
  readonly text: string;
  readonly bytes: Buffer;
  readonly type: string | null;
  header(name: string): string | null;
  json(): unknown;
}

export async function stage(
  changes: Partial<HttpContext> = {},
  /** What members answer when they are asked. */
  query: (request: QueryRequest) => QueryResult = () => ({ acks: [], answers: [] }),
): Promise<Stage> {
  const server = new OneServer();
  const local = new FakeLocal();
  const members = [member('client1')];
  const bugs: unknown[] = [];
  const said: string[] = [];
  const userEvents = new RecentUserEvents({
    clock: realClock,
    node: 'client1',
    services: () => local.services(),
  });
  const localEvents = new LocalEvents(realClock);
  const context: HttpContext = {
    clock: realClock,
    random: new SeededRandom('http'),
    facts: {
      node: 'client1',
      nodeId: 'id-client1',
      datacenter: 'dc1',
      version: '0.1.0',
      server: false,
      nodeMeta: { env: 'test' },
      startedAtMs: Date.UTC(2026, 10, 22),
    },
    membership: {
      ...fakeMembership(members, said, (event) => userEvents.receive(event)),
      query: async (request) => query(request),
    },
    rpc: server,
    local,
    userEvents,
    localEvents,
    seenAs: () => [{ address: '192.0.2.1:8301', by: 'web-2', atMs: Date.UTC(2026, 10, 22) }],
    checkNews: () => ({ told: 3, omitted: 1, waiting: 0 }),
    keys: async () => {
      throw new ExpectedError('STOPPING');
    },
    keyRotation: noRotation,
    poolStatus: () => ({
      known: [{ nodeId: 'id-s1', name: 's1', address: { host: '127.0.0.1', port: 8300 } }],
      used: null,
      silentSinceMs: Date.UTC(2026, 10, 22),
      lastFailure: 'connection refused',
    }),
    syncStatus: () => ({ comparedAtMs: null, failures: 2, lastFailure: 'No known Consul servers' }),
    saved: async () => {},
    journalLength: () => 7,
    raftStatus: () => null,
    shownConfig: () => ({ node_name: 'client1' }),
    escapes: () => ({ killed: 2, strangers: 1 }),
    pendingStatus: () => 'critical',
    scriptsAllowed: () => false,
    checkOutputBytesMax: () => 4096,
    reload: async () => ({
      items: [{ item: 'check', id: 'web', change: 'added' }],
      live: [],
      restart: ['ports'],
    }),
    leave: async () => {
      said.push('leave');
    },
    stop: () => said.push('stop'),
    responseHeaders: {},
    onBug: (error) => bugs.push(error),
    ...changes,
  };
  const http = await startHttp(context, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => http.stop());
  const url = (path: string) => `http://127.0.0.1:${http.address.port}${path}`;
  const request: Stage['request'] = async (path, { json, ...init } = {}) => {
    const body = json === undefined ? {} : { method: 'PUT', body: JSON.stringify(json) };
    const answer = await fetch(url(path), { redirect: 'manual', ...body, ...init });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const text = bytes.toString();
    return {
      status: answer.status,
      text,
      bytes,
      type: answer.headers.get('content-type'),
      header: (name) => answer.headers.get(name),
      json: () => JSON.parse(text),
    };
  };
  return { server, local, members, userEvents, localEvents, http, bugs, said, url, request };
}

const nothing = { state: 'none', step: null, reason: '', to: '', from: '' } as const;
const noRotation: HttpContext['keyRotation'] = {
  status: () => nothing,
  start: async () => nothing,
  resume: () => nothing,
  abort: async () => nothing,
};

/** User events come back to the one who fires them, as everywhere. */
function fakeMembership(
  members: Member[],
  said: string[],
  onUserEvent: (event: UserEvent) => void,
): Membership {
  let ltime = 0;
  return {
    members: () => members,
    member: (name) => members.find((member) => member.name === name),
    self: () => members[0]!,
    onChange: () => () => {},
    onUserEvent: () => () => {},
    join: async (addresses) => {
      said.push(`join ${addresses.join(' ')}`);
      if (!addresses.includes('127.0.0.77')) return { joined: 1, failures: [] };
      return {
        joined: 0,
        failures: [
          { address: '127.0.0.77', message: 'dial tcp 127.0.0.77:8301: connect: connection refused' },
        ],
      };
    },
    leave: async () => {},
    forceLeave: async (name, { prune }) => {
      said.push(`force-leave ${name}${prune ? ' prune' : ''}`);
      return members.some((member) => member.name === name);
    },
    setTags: async () => {},
    fireEvent: async (event) => {
      if (event.name.length + event.payload.length > 500) throw new ExpectedError('BAD_REQUEST');
      ltime += 1;
      onUserEvent({ ...event, ltime });
    },
    query: async () => ({ acks: [], answers: [] }),
    stats: async () => ({ health: 0 }),
    stop: async () => {},
  };
}

interface Recorded {
  readonly name: string;
  readonly target: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query?: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
    readonly bodyText?: string;
  };
}

/** Exchanges with a real Consul 1.8.7, by name. */
export function recordedExchanges(file: string): Map<string, Recorded> {
  const path = new URL(`../../fixtures/consul/${file}.json`, import.meta.url);
  const { entries } = JSON.parse(readFileSync(path, 'utf8')) as { entries: Recorded[] };
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** Whoever reads these wants a list or a map and not null; what is in them differs from run to run. */
const contents = /^(Node|Service)?(Meta|Tags|TaggedAddresses)$|^Definition$/;

/** What kinds of values there are, and where null, lists and maps are: the values themselves differ from run to run. */
export function shapeOf(value: unknown, key = ''): unknown {
  if (value === null) return 'null';
  if (contents.test(key)) return Array.isArray(value) ? 'list' : 'map';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    Object.entries(value as object)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, shapeOf(inner, key)]),
  );
}
