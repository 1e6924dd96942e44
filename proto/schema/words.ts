/**
 * Fixed words of events, statuses and check ids. They stand apart from the schemas, so that an agent which only speaks does
 * not carry the library that checks what others say (about 12 MiB).
 */

/** Status of a check. `pending` until its first result; `stale` when the newest result is too old. */
export const checkStatuses = ['pending', 'passing', 'warning', 'critical', 'stale'] as const;

/** A new kind is one more line here and one writer in `server/fsm`. */
export const eventKinds = [
  'node.joined',
  'node.failed',
  'node.recovered',
  'node.left',
  'node.reaped',
  'node.evidence',
  'check.added',
  'check.removed',
  'check.changed',
  'service.registered',
  'service.deregistered',
  'maintenance.started',
  'maintenance.ended',
  'journal.lost',
  'leader.elected',
  'server.added',
  'server.removed',
  'security.rejected',
  'security.name_conflict',
  'agent.stalled',
] as const;

/** Check id of the row that mirrors gossip's opinion of a node, as in Consul. */
export const serfHealth = 'serfHealth';
/** Check id of a node's maintenance row; services have `_service_maintenance:ID`. */
export const nodeMaintenance = '_node_maintenance';
export const serviceMaintenancePrefix = '_service_maintenance:';
