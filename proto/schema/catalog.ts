/** Rows of the catalog as servers keep them. The HTTP layer turns them into Consul's shapes. */
import { z } from 'zod';
import { checkStatus, nodeState } from './status.ts';

const texts = z.record(z.string(), z.string());
const index = z.number().int().nonnegative();

export const nodeRow = z.object({
  /** Node name: the key of the row. */
  name: z.string().min(1),
  /** Uuid of the data folder; '' for an external node without one. */
  id: z.string(),
  address: z.string(),
  datacenter: z.string(),
  taggedAddresses: texts.nullable(),
  meta: texts.nullable(),
  state: nodeState,
  /** True for a node that was registered over HTTP and runs no agent: gossip says nothing about it. */
  external: z.boolean(),
  /** Counted up with each return; a verdict about an older life changes nothing. */
  life: index,
  /** Incarnation in gossip when the leader last looked. */
  incarnation: index,
  /** The agent's journal: only `revision + 1` on is applied; a new journal id starts at 1. */
  journalId: z.string(),
  revision: index,
  createIndex: index,
  modifyIndex: index,
});
export type NodeRow = z.infer<typeof nodeRow>;

export const serviceRow = z.object({
  node: z.string(),
  id: z.string().min(1),
  name: z.string().min(1),
  tags: z.array(z.string()),
  address: z.string(),
  port: z.number().int(),
  meta: texts,
  taggedAddresses: z.record(z.string(), z.object({ address: z.string(), port: z.number().int() })),
  weights: z.object({ passing: z.number().int(), warning: z.number().int() }),
  enableTagOverride: z.boolean(),
  kind: z.string(),
  createIndex: index,
  modifyIndex: index,
});
export type ServiceRow = z.infer<typeof serviceRow>;

export const checkRow = z.object({
  node: z.string(),
  id: z.string().min(1),
  name: z.string(),
  notes: z.string(),
  /** One of `checkStatus`; an external registration may bring any text, as in Consul. */
  status: z.union([checkStatus, z.string()]),
  /** Output of the last change of status. */
  output: z.string(),
  /** Leader's time of the last change of status, RFC 3339. */
  lastChange: z.string(),
  serviceId: z.string(),
  serviceName: z.string(),
  serviceTags: z.array(z.string()),
  /** Consul's `Type`: ttl, http, tcp, script … or ''. */
  type: z.string(),
  /** Consul's `Definition` of a catalog check; `{}` for an agent's own. */
  definition: z.record(z.string(), z.unknown()),
  createIndex: index,
  modifyIndex: index,
});
export type CheckRow = z.infer<typeof checkRow>;

/** What an agent says of its own services and checks: rows without what only the catalog knows. */
export const ownService = serviceRow.omit({ node: true, createIndex: true, modifyIndex: true });
export type OwnService = z.infer<typeof ownService>;
export const ownCheck = checkRow.omit({
  node: true,
  lastChange: true,
  serviceName: true,
  serviceTags: true,
  createIndex: true,
  modifyIndex: true,
});
export type OwnCheck = z.infer<typeof ownCheck>;
