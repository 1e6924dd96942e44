/**
 * Consul's catalog/register: an external node that runs no agent, its services and checks, written by whoever knows.
 * All of it is judged before any of it is written. On an agent's node only services and checks are taken; the agent
 * itself says what its node is, and its next comparison says what runs there.
 */
import type { NodeRow } from '../../proto/schema/catalog.ts';
import type { Body, Change } from './change.ts';
import type { EventMarks } from './checks.ts';
import { putCheck } from './checks.ts';
import { forgetNode, sameTexts } from './nodes.ts';
import type { Effect, Refusal } from './outcome.ts';
import { refuse } from './outcome.ts';
import { putService } from './services.ts';

type Register = Body<'catalog.register'>;

const marks: EventMarks = { Cause: 'operator' };

export function applyRegister(change: Change, body: Register): Effect {
  const refusal = judge(change, body);
  if (refusal !== null) return refusal;
  registerNode(change, body.node);
  if (body.service !== null) putService(change, body.node.name, body.service, marks);
  for (const check of body.checks) {
    const service =
      check.serviceId === '' ? undefined : change.catalog.service(body.node.name, check.serviceId);
    const input = {
      ...check,
      node: body.node.name,
      serviceName: service?.name ?? '',
      serviceTags: service?.tags ?? [],
    };
    putCheck(change, input, marks, 'newest');
  }
  return {};
}

function judge(change: Change, body: Register): { refused: Refusal } | null {
  const { catalog } = change;
  const { name, id } = body.node;
  const row = catalog.node(name);
  if (row !== undefined && id !== '' && row.id !== '' && row.id !== id && row.state === 'alive') {
    return refuse(
      'NAME_TAKEN',
      `failed inserting node: Error while renaming Node ID: "${id}": Node name ${name} is reserved by node ${row.id} with name ${name} (${row.address})`,
    );
  }
  const former = id === '' ? undefined : catalog.nodeById(id);
  if (former !== undefined && former.name !== name && !former.external && former.state === 'alive') {
    return refuse(
      'NAME_TAKEN',
      `failed inserting node: node id ${id} belongs to the living member ${former.name} (${former.address})`,
    );
  }
  for (const check of body.checks) {
    if (check.serviceId === '' || check.serviceId === body.service?.id) continue;
    if (catalog.service(name, check.serviceId) === undefined) {
      return refuse('BAD_REQUEST', `failed inserting check: Missing service registration on node "${name}"`);
    }
  }
  return null;
}

function registerNode(change: Change, node: Register['node']): void {
  const { catalog } = change;
  const row = catalog.node(node.name);
  const former = node.id === '' ? undefined : catalog.nodeById(node.id);
  if (former !== undefined && former.name !== node.name) forgetNode(change, former, 'operator');
  if (row === undefined) {
    enterNode(change, node);
    return;
  }
  if (!row.external || node.skipUpdate) return;
  const next: NodeRow = {
    ...row,
    id: node.id === '' ? row.id : node.id,
    address: node.address,
    datacenter: node.datacenter,
    taggedAddresses: node.taggedAddresses,
    meta: node.meta,
  };
  const isSame =
    next.id === row.id &&
    next.address === row.address &&
    next.datacenter === row.datacenter &&
    sameTexts(next.taggedAddresses, row.taggedAddresses) &&
    sameTexts(next.meta, row.meta);
  if (!isSame) catalog.putNode({ ...next, modifyIndex: change.index });
}

function enterNode(change: Change, node: Register['node']): void {
  const { skipUpdate: _, ...host } = node;
  change.catalog.putNode({
    ...host,
    state: 'alive',
    external: true,
    life: 1,
    incarnation: 0,
    journalId: '',
    revision: 0,
    createIndex: change.index,
    modifyIndex: change.index,
  });
  change.emit({ Kind: 'node.joined', Node: node.name, To: 'alive', Cause: 'operator', Life: 1 });
}
