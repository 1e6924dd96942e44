/**
 * Records of an agent's journal: what it observed and the servers have not confirmed yet, in order. The
 * journal is the agent's session: (journal id, revision) makes every delivery exactly-once.
 */
import { z } from 'zod';
import { ownCheck, ownService } from './catalog.ts';
import { checkStatus } from './status.ts';

const observed = {
  /** Number in this journal: 1, 2, 3 … */
  revision: z.number().int().positive(),
  /** The agent's wall clock, Unix milliseconds. */
  observedAtMs: z.number(),
};

export const journalRecord = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('check.status'),
    ...observed,
    check: z.string(),
    status: checkStatus,
    output: z.string(),
    cause: z.enum(['check', 'ttl', 'stale', 'operator']),
  }),
  z.object({ kind: z.literal('check.put'), ...observed, check: ownCheck }),
  z.object({ kind: z.literal('check.remove'), ...observed, check: z.string() }),
  z.object({ kind: z.literal('service.put'), ...observed, service: ownService }),
  z.object({ kind: z.literal('service.remove'), ...observed, service: z.string() }),
  z.object({
    /**
     * Older records were dropped because the journal was full. It has the number of the last one of them and stands for
     * the `count` numbers up to that one.
     */
    kind: z.literal('lost'),
    ...observed,
    count: z.number().int().positive(),
    sinceMs: z.number(),
  }),
  z.object({
    /** Something that belongs into the event log and changes no row (`security.*`, `agent.stalled`). */
    kind: z.literal('notice'),
    ...observed,
    event: z.enum(['security.rejected', 'security.name_conflict', 'agent.stalled']),
    output: z.string(),
    evidence: z.json(),
  }),
]);
export type JournalRecord = z.infer<typeof journalRecord>;

/** A record before the journal has numbered it. */
export type JournalDraft = JournalRecord extends infer R
  ? R extends JournalRecord
    ? Omit<R, 'revision'>
    : never
  : never;

/** What an agent is, as it introduces itself with every delivery and comparison. */
export const agentIdentity = z.object({
  node: z.string().min(1),
  nodeId: z.string(),
  address: z.string(),
  datacenter: z.string(),
  taggedAddresses: z.record(z.string(), z.string()),
  meta: z.record(z.string(), z.string()),
});
export type AgentIdentity = z.infer<typeof agentIdentity>;
