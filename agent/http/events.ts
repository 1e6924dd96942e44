/** `/v1/events…`: the event log. The same filters everywhere; a listener that comes back goes on where it was. */
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { EventHub } from './event-hub.ts';
import { pollEvents } from './event-poll.ts';
import { streamEvents } from './event-stream.ts';
import type { HeldReads } from './held-reads.ts';
import { readHeaders, readOptions } from './reads.ts';
import { shapeCatalogService, shapeCheck, shapeNode } from './shapes.ts';
import type { Route } from './transport.ts';

export function eventRoutes(context: HttpContext, hub: EventHub, held: HeldReads): Route[] {
  return [
    { path: '/v1/events', methods: { GET: (call) => pollEvents(call, context, held) } },
    { path: '/v1/events/stream', methods: { GET: (call) => streamEvents(call, context, hub) } },
    { path: '/v1/events/snapshot', methods: { GET: (call) => snapshot(call, context) } },
  ];
}

/** The state at one offset: whoever has missed too much reads it and listens on from there. */
async function snapshot(call: Call, { rpc, pendingStatus }: HttpContext): Promise<Answer> {
  const { mode, maxStaleMs } = readOptions(call);
  const { rows, ...standing } = await rpc.call('catalog.query', { query: { of: 'all' }, mode, maxStaleMs });
  const byName = new Map(rows.nodes.map((row) => [row.name, row]));
  const snapshot = {
    Offset: standing.offset,
    Log: standing.logId,
    Nodes: rows.nodes.map((row) => ({ ...shapeNode(row), State: row.state, Life: row.life })),
    Services: rows.services.flatMap((row) => {
      const node = byName.get(row.node);
      return node === undefined ? [] : [shapeCatalogService(row, node)];
    }),
    Checks: rows.checks.map((row) => shapeCheck(row, pendingStatus())),
  };
  return json(snapshot, readHeaders(standing, mode, call));
}
