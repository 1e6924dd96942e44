/** `/v1/agent/health/service/…`: one service of this host as a load balancer asks for it. Reference: section 6.9. */

import { ExpectedError } from '../../proto/errors.ts';
import type { OwnService } from '../../proto/schema/catalog.ts';
import { nodeMaintenance, serviceMaintenancePrefix } from '../../proto/schema/words.ts';
import { type Answer, json, text } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext, LocalCheck } from './context.ts';
import { consulStatus, type PendingStatus, shapeLocalCheck, shapeLocalService } from './shapes.ts';
import type { Route } from './transport.ts';

/** From bad to good: the first one that occurs counts. */
const verdicts = ['maintenance', 'critical', 'warning', 'passing'] as const;
type Verdict = (typeof verdicts)[number];

const statusOf: Readonly<Record<Verdict, number>> = {
  maintenance: 503,
  critical: 503,
  warning: 429,
  passing: 200,
};

export function agentHealthRoutes(context: HttpContext): Route[] {
  return [
    { path: '/v1/agent/health/service/id/', methods: { GET: (call) => byId(call, context) } },
    { path: '/v1/agent/health/service/name/', methods: { GET: (call) => byName(call, context) } },
  ];
}

function byId(call: Call, context: HttpContext): Answer {
  const id = named(call, 'Bad request: Missing serviceID');
  const service = context.local.services().find((own) => own.id === id);
  if (service === undefined) {
    const nothing = { AggregatedStatus: 'critical', Service: null, Checks: null };
    return render(call, 404, `ServiceId ${id} not found`, nothing);
  }
  const health = healthOf(service, context);
  return render(call, statusOf[health.AggregatedStatus], health.AggregatedStatus, health);
}

function byName(call: Call, context: HttpContext): Answer {
  const name = named(call, 'Bad request: Missing service Name');
  const found = context.local.services().filter((own) => own.name === name);
  if (found.length === 0) return render(call, 404, `ServiceName ${name} Not Found`, []);
  const health = found.map((service) => healthOf(service, context));
  const worst = worstOf(health.map(({ AggregatedStatus }) => AggregatedStatus));
  return render(call, statusOf[worst], worst, health);
}

function named(call: Call, complaint: string): string {
  if (call.param !== '') return call.param;
  throw new ExpectedError('BAD_REQUEST', complaint, { status: 500 });
}

function render(call: Call, status: number, reason: string, value: unknown): Answer {
  const headers = { 'X-Consul-Reason': reason };
  const plain = call.get('format') === 'text' || call.header('accept').startsWith('text/plain');
  if (!plain) return json(value, headers, status);
  return text(status, status === 404 ? JSON.stringify(reason) : reason, headers);
}

/** The service's own checks and those of the node together. */
function healthOf(service: OwnService, context: HttpContext) {
  const { facts, local } = context;
  const pending = context.pendingStatus();
  const checks = local.checks().filter(({ serviceId }) => serviceId === '' || serviceId === service.id);
  return {
    AggregatedStatus: worstOf(checks.map((check) => verdictOf(check, pending))),
    Service: shapeLocalService(service, facts.datacenter),
    Checks: checks.map((check) => shapeLocalCheck(check, facts.node, pending)),
  };
}

function verdictOf({ id, status }: LocalCheck, pending: PendingStatus): Verdict {
  if (id === nodeMaintenance || id.startsWith(serviceMaintenancePrefix)) return 'maintenance';
  const shown = consulStatus(status, pending);
  return shown === 'passing' || shown === 'warning' ? shown : 'critical';
}

function worstOf(found: readonly Verdict[]): Verdict {
  return verdicts.find((verdict) => found.includes(verdict)) ?? 'passing';
}
