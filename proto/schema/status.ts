/** The few words for "how is it?", used by checks, the catalog, the event log and the HTTP API alike. */
import { z } from 'zod';
import { checkStatuses } from './words.ts';

export const checkStatus = z.enum(checkStatuses);
export type CheckStatus = z.infer<typeof checkStatus>;

/** State of a node in the catalog. */
export const nodeState = z.enum(['alive', 'failed', 'left']);
export type NodeState = z.infer<typeof nodeState>;
