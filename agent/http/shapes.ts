/**
 * Rows as Consul's clients expect them. Where null, `{}` and `[]` differ from place to place, they differ on purpose:
 * clients of typed languages depend on it (consul-http-api, sections 5 and 18).
 *
 * Consul knows three statuses. A check that has gone `stale` shows as `critical` to its clients, since it vouches for
 * nothing, and so does maintenance; one that is still `pending` shows as the configuration says (`pending_status`). Our own
 * key `RollcallStatus` has the word itself.
 */
import { formatDuration } from '../../proto/duration.ts';
import type { CheckRow, NodeRow, OwnService, ServiceRow } from '../../proto/schema/catalog.ts';
import type { Member } from '../gossip/membership.ts';
import type { CheckRun, LocalCheck } from './context.ts';

/** As what a check without a result shows. */
export type PendingStatus = 'passing' | 'warning' | 'critical';

export function consulStatus(status: string, pending: PendingStatus): string {
  if (status === 'pending') return pending;
  return status === 'stale' ? 'critical' : status;
}

function ownStatus({ type, status }: { readonly type: string; readonly status: string }): string {
  return type === 'maintenance' ? 'maintenance' : status;
}

export function shapeNode(row: NodeRow) {
  return {
    ID: row.id,
    Node: row.name,
    Address: row.address,
    Datacenter: row.datacenter,
    TaggedAddresses: row.taggedAddresses,
    Meta: row.meta,
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
  };
}

export function shapeCheck(row: CheckRow, pending: PendingStatus) {
  return {
    Node: row.node,
    CheckID: row.id,
    Name: row.name,
    Status: consulStatus(row.status, pending),
    Notes: row.notes,
    Output: row.output,
    ServiceID: row.serviceId,
    ServiceName: row.serviceName,
    ServiceTags: row.serviceTags,
    Type: row.type,
    Definition: row.definition,
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
    RollcallStatus: ownStatus(row),
    LastChange: row.lastChange,
  };
}

/** Checks of the agent itself carry no indexes, but how often they run. */
export function shapeLocalCheck(check: LocalCheck, node: string, pending: PendingStatus) {
  return {
    Node: node,
    CheckID: check.id,
    Name: check.name,
    Status: consulStatus(check.status, pending),
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: check.serviceTags,
    Type: check.type,
    Interval: check.intervalMs === 0 ? '' : formatDuration(check.intervalMs),
    Timeout: check.timeoutMs === 0 ? '' : formatDuration(check.timeoutMs),
    ExposedPort: 0,
    Definition: {},
    CreateIndex: 0,
    ModifyIndex: 0,
    RollcallStatus: ownStatus(check),
    LastChange: isoTime(check.changedAtMs),
    LastResult: isoTime(check.resultAtMs),
    Restored: check.restored,
  };
}

function isoTime(unixMs: number): string {
  return unixMs === 0 ? '' : new Date(unixMs).toISOString();
}

/** Ours: the result of one run, and what became of the check's status by it. */
export function shapeRun(id: string, { outcome, durationMs, from, to }: CheckRun, pending: PendingStatus) {
  return {
    CheckID: id,
    Result: outcome.status,
    Output: outcome.output,
    DurationMs: Math.round(durationMs),
    Metrics: (outcome.metrics ?? []).map(({ name, value, unit }) => ({
      Name: name,
      Value: value,
      Unit: unit,
    })),
    Details: outcome.details ?? {},
    From: from,
    Status: consulStatus(to, pending),
    RollcallStatus: to,
  };
}

/** In agent answers: maps are never null, there are no indexes. */
export function shapeLocalService(service: OwnService, datacenter: string) {
  return {
    ...(service.kind === '' ? {} : { Kind: service.kind }),
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Meta: service.meta,
    Port: service.port,
    Address: service.address,
    ...withTaggedAddresses('TaggedAddresses', service),
    Weights: shapeWeights(service),
    EnableTagOverride: service.enableTagOverride,
    Datacenter: datacenter,
  };
}

/** In catalog/node and health/service: an empty `Meta` is null. */
export function shapeInstance(service: ServiceRow) {
  return {
    ...(service.kind === '' ? {} : { Kind: service.kind }),
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Address: service.address,
    ...withTaggedAddresses('TaggedAddresses', service),
    Meta: Object.keys(service.meta).length === 0 ? null : service.meta,
    Port: service.port,
    Weights: shapeWeights(service),
    EnableTagOverride: service.enableTagOverride,
    Proxy: { MeshGateway: {}, Expose: {} },
    Connect: {},
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  };
}

/** In catalog/service: the node's fields and the service's, prefixed, in one object. */
export function shapeCatalogService(service: ServiceRow, node: NodeRow) {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: node.taggedAddresses,
    NodeMeta: node.meta,
    ServiceKind: service.kind,
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    ServiceAddress: service.address,
    ...withTaggedAddresses('ServiceTaggedAddresses', service),
    ServiceWeights: shapeWeights(service),
    ServiceMeta: service.meta,
    ServicePort: service.port,
    ServiceEnableTagOverride: service.enableTagOverride,
    ServiceProxy: { MeshGateway: {}, Expose: {} },
    ServiceConnect: {},
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  };
}

/** Serf's numbers. A suspect is alive until somebody proves the opposite. */
const memberStatus = { alive: 1, suspect: 1, leaving: 2, left: 3, failed: 4 } as const;

export function shapeMember(member: Member) {
  const [
    protocolMin = 1,
    protocolMax = 5,
    protocolCur = 2,
    delegateMin = 2,
    delegateMax = 5,
    delegateCur = 4,
  ] = member.vsn;
  return {
    Name: member.name,
    Addr: member.address.host,
    Port: member.address.port,
    Tags: member.tags,
    Status: memberStatus[member.state],
    ProtocolMin: protocolMin,
    ProtocolMax: protocolMax,
    ProtocolCur: protocolCur,
    DelegateMin: delegateMin,
    DelegateMax: delegateMax,
    DelegateCur: delegateCur,
  };
}

function shapeWeights({ weights }: OwnService) {
  return { Passing: weights.passing, Warning: weights.warning };
}

function withTaggedAddresses(key: string, { taggedAddresses }: OwnService) {
  const entries = Object.entries(taggedAddresses);
  if (entries.length === 0) return {};
  const shaped = entries.map(([tag, { address, port }]) => [tag, { Address: address, Port: port }]);
  return { [key]: Object.fromEntries(shaped) };
}
