/** All paths of the API, group by group. */
import { agentRoutes } from './agent.ts';
import { agentCheckRoutes } from './agent-checks.ts';
import { agentHealthRoutes } from './agent-health.ts';
import { agentServiceRoutes } from './agent-services.ts';
import { catalogRoutes } from './catalog.ts';
import { CatalogWatch } from './catalog-watch.ts';
import type { HttpContext } from './context.ts';
import { cursorRoutes } from './cursors.ts';
import type { EventHub } from './event-hub.ts';
import { eventRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { HeldReads } from './held-reads.ts';
import { historyRoutes } from './history.ts';
import { keyringRoutes } from './keyring.ts';
import { localEventRoutes } from './local-events.ts';
import { metricRoutes } from './metrics.ts';
import { operatorRoutes } from './operator.ts';
import { queryRoutes } from './query-members.ts';
import { CatalogReader } from './reads.ts';
import { registerRoutes } from './register.ts';
import { rootRoutes } from './root.ts';
import { snapshotRoutes } from './snapshot.ts';
import { statusRoutes } from './status.ts';
import type { Route } from './transport.ts';
import { userEventRoutes } from './user-events.ts';

export function allRoutes(context: HttpContext, hub: EventHub): Route[] {
  const reader = new CatalogReader(context, new CatalogWatch(context.rpc, context.clock));
  const held = new HeldReads(context.clock);
  return [
    ...rootRoutes(),
    ...agentRoutes(context),
    ...agentCheckRoutes(context),
    ...agentServiceRoutes(context),
    ...agentHealthRoutes(context),
    ...catalogRoutes(reader, context.facts.datacenter),
    ...registerRoutes(context, reader),
    ...healthRoutes(reader, context),
    ...statusRoutes(context, reader),
    ...operatorRoutes(context, reader),
    ...snapshotRoutes(context, reader),
    ...eventRoutes(context, hub, held),
    ...cursorRoutes(context, held),
    ...historyRoutes(context),
    ...localEventRoutes(context),
    ...userEventRoutes(context, reader),
    ...queryRoutes(context),
    ...keyringRoutes(context),
    ...metricRoutes(context),
  ];
}
