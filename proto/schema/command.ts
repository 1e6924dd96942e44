/**
 * Commands in the Raft log. Each carries its kind and version from the first day: a server that meets a
 * version it does not know stops with advice instead of guessing. The leader stamps `timeMs` (its wall
 * clock, never before the command before it), so that no state machine ever reads a clock.
 */
import { z } from 'zod';
import { checkRow, nodeRow, ownCheck, ownService, serviceRow } from './catalog.ts';
import { isCursorName, isCursorShare } from './cursor-name.ts';
import { agentIdentity, journalRecord } from './journal.ts';

const count = z.number().int().nonnegative();

/** Name of a reader whose position the servers keep. */
export const cursorName = z.string().refine(isCursorName);
/** All of the log, or one share of it. */
export const cursorShare = z.string().refine(isCursorShare);

export const someBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
/** Chosen by whoever restores. */
export const restoreId = z.string().min(1).max(256);

/** The bodies, by kind. `v` is the version of the body's shape. */
export const commandBody = z.discriminatedUnion('kind', [
  /** Gossip shows a living member that the catalog does not have, or has as failed or left. */
  z.object({
    kind: z.literal('node.alive'),
    v: z.literal(1),
    identity: agentIdentity,
    incarnation: count,
  }),
  /** Gossip's verdict; changes nothing when `life` is not the row's. */
  z.object({
    kind: z.literal('node.failed'),
    v: z.literal(1),
    node: z.string(),
    life: count,
    evidence: z.json(),
  }),
  z.object({
    kind: z.literal('node.left'),
    v: z.literal(1),
    node: z.string(),
    life: count,
    cause: z.enum(['leave', 'operator']),
  }),
  z.object({ kind: z.literal('node.reap'), v: z.literal(1), node: z.string(), life: count }),
  /** A dossier that came after the verdict. */
  z.object({
    kind: z.literal('node.evidence'),
    v: z.literal(1),
    node: z.string(),
    life: count,
    evidence: z.json(),
  }),
  /** Records of one agent's journal, in order. */
  z.object({
    kind: z.literal('journal'),
    v: z.literal(1),
    identity: agentIdentity,
    journalId: z.string().min(1),
    records: z.array(journalRecord),
  }),
  /** Full comparison, sent with an empty journal: what differs is repaired with cause `sync`. */
  z.object({
    kind: z.literal('sync'),
    v: z.literal(1),
    identity: agentIdentity,
    journalId: z.string().min(1),
    /** The journal's last number when the comparison was made; a row beyond it makes the command void. */
    revision: count,
    services: z.array(ownService),
    checks: z.array(ownCheck),
  }),
  /** Consul's catalog/register for external nodes. */
  z.object({
    kind: z.literal('catalog.register'),
    v: z.literal(1),
    node: nodeRow
      .pick({ name: true, id: true, address: true, datacenter: true, taggedAddresses: true, meta: true })
      .extend({ skipUpdate: z.boolean() }),
    service: serviceRow.omit({ node: true, createIndex: true, modifyIndex: true }).nullable(),
    checks: z.array(checkRow.omit({ lastChange: true, createIndex: true, modifyIndex: true })),
  }),
  z.object({
    kind: z.literal('catalog.deregister'),
    v: z.literal(1),
    node: z.string(),
    serviceId: z.string(),
    checkId: z.string(),
  }),
  /** A new leader says so, once per term. */
  z.object({
    kind: z.literal('leader.elected'),
    v: z.literal(1),
    node: z.string(),
    nodeId: z.string(),
    term: count,
  }),
  /** Everything before this offset may go. */
  z.object({ kind: z.literal('events.trim'), v: z.literal(1), firstKept: z.number().int().positive() }),
  /** No event gets these numbers: other servers may have given them before they were lost. */
  z.object({
    kind: z.literal('events.skip'),
    v: z.literal(1),
    to: z.number().int().positive(),
    reason: z.string(),
  }),
  /** An operator removed a server, which stays removed though it still runs; or took that back. */
  z.object({ kind: z.literal('server.bar'), v: z.literal(1), id: z.string().min(1), barred: z.boolean() }),
  /** Every server can apply commands of this level from now on. */
  z.object({ kind: z.literal('level.raise'), v: z.literal(1), level: z.number().int().positive() }),
  /** A named reader confirms everything up to `offset`; `share` is `''` or `i/n`. */
  z.object({
    kind: z.literal('cursor.put'),
    v: z.literal(1),
    name: cursorName,
    share: cursorShare,
    offset: count,
  }),
  /** Forgets a named reader with all its shares. */
  z.object({ kind: z.literal('cursor.remove'), v: z.literal(1), name: cursorName }),
  /** A snapshot comes back in pieces, numbered from 1; the last command makes it the catalog. */
  z.object({ kind: z.literal('restore.begin'), v: z.literal(1), id: restoreId }),
  z.object({
    kind: z.literal('restore.piece'),
    v: z.literal(1),
    id: restoreId,
    number: z.number().int().positive(),
    records: someBytes,
  }),
  z.object({
    kind: z.literal('restore.finish'),
    v: z.literal(1),
    id: restoreId,
    pieces: z.number().int().positive(),
  }),
]);
export type CommandBody = z.infer<typeof commandBody>;
export type CommandKind = CommandBody['kind'];

export interface Command {
  /** Leader's wall clock in Unix milliseconds. */
  readonly timeMs: number;
  /** Idempotency: client and key of an HTTP write; results are kept for a time. */
  readonly once: { readonly client: string; readonly key: string } | null;
  readonly body: CommandBody;
}
