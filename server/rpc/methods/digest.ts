/** The comparison that costs nothing: does the catalog hold just these rows of an agent? No entry is written for it. */
import { z } from 'zod';
import { digestOfRows } from '../../../proto/rows-digest.ts';
import type { RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import type { NodeRow } from '../../../proto/schema/catalog.ts';
import { type AgentIdentity, agentIdentity } from '../../../proto/schema/journal.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { isOthersCheck, isOthersService } from '../../fsm/owners.ts';
import { checkParams } from './check-params.ts';
import type { MethodContext } from './context.ts';
import { checkSpeaker } from './journal.ts';

type Digest = RpcCalls['journal.digest'];

const digestParams = z.object({
  identity: agentIdentity,
  journalId: z.string().min(1).max(128),
  revision: z.number().int().nonnegative(),
  digest: z.string().max(128),
});

export async function digest(
  context: MethodContext,
  params: Digest['params'],
  peer: RpcPeer,
): Promise<Digest['answer']> {
  checkSpeaker(params, peer);
  return context.door.run({
    peer,
    effect: 'none',
    here: async ({ fsm }) => {
      const { identity, journalId, revision, digest } = checkParams(digestParams, params);
      const { catalog } = fsm.state;
      const row = catalog.node(identity.node);
      const isCurrent =
        row?.state === 'alive' && row.journalId === journalId && row.revision === revision && !row.external;
      return { same: isCurrent && digest === digestOf(catalog, row) };
    },
    there: (leader, timeoutMs) => leader.call('journal.digest', params, { timeoutMs }),
  });
}

function digestOf(catalog: Catalog, row: NodeRow): string {
  const services = catalog
    .servicesOf(row.name)
    .filter(({ id }) => !isOthersService(id))
    .map(({ node: _node, createIndex: _created, modifyIndex: _modified, ...own }) => own);
  const checks = catalog
    .checksOf(row.name)
    .filter(({ id }) => !isOthersCheck(id))
    .map(({ id, name, notes, status, serviceId, type, definition }) => {
      return { id, name, notes, status, serviceId, type, definition };
    });
  return digestOfRows(identityOf(row), services, checks);
}

function identityOf({ name, id, address, datacenter, taggedAddresses, meta }: NodeRow): AgentIdentity {
  return {
    node: name,
    nodeId: id,
    address,
    datacenter,
    taggedAddresses: taggedAddresses ?? {},
    meta: meta ?? {},
  };
}
