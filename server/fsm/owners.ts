/**
 * Rows on an agent's node that are not the agent's: the leader writes serfHealth from gossip, the membership of the
 * servers writes the service `consul`. An agent that names them is not heard, and its comparison leaves them alone.
 */
import { serfHealth } from '../../proto/schema/words.ts';

/** Name and id of the service that stands for a server. */
export const serverService = 'consul';

export function isOthersCheck(id: string): boolean {
  return id === serfHealth;
}

export function isOthersService(id: string): boolean {
  return id === serverService;
}
