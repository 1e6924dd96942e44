/** `/v1/events…`: the event log. The same filters everywhere; a listener that comes back goes on where it was. */
import { ExpectedError } from '../../proto/errors.ts';
import type { CatalogQuery } from '../../proto/rpc.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { EventHub } from './event-hub.ts';
import { pollEvents } from './event-poll.ts';
import { streamEvents } from './event-stream.ts';
import { readHeaders, readOptions } from './reads.ts';
import { shapeCatalogService, shapeCheck, shapeNode } from './shapes.ts';
import type { Route } from './transport.ts';

/** Three tables must be read at one offset; a busy cluster may need another try. */
const snapshotTriesMax = 5;

export function eventRoutes(context: HttpContext, hub: EventHub): Route[] {
  return [
    { path: '/v1/events', methods: { GET: (call) => pollEvents(call, context) } },
    { path: '/v1/events/stream', methods: { GET: (call) => streamEvents(call, context, hub) } },
    { path: '/v1/events/snapshot', methods: { GET: (call) => snapshot(call, context) } },
  ];
}

/** The state at one offset: whoever has missed too much reads it and listens on from there. */
async function snapshot(call: Call, context: HttpContext): Promise<Answer> {
  const { mode, maxStaleMs } = readOptions(call);
  const ask = (query: CatalogQuery) => context.rpc.call('catalog.query', { query, mode, maxStaleMs });
  for (let tries = 1; tries <= snapshotTriesMax; tries++) {
    const [nodes, services, checks] = await Promise.all([
      ask({ of: 'nodes' }),
      ask({ of: 'services' }),
      ask({ of: 'checks' }),
    ]);
    const isOne = [services, checks].every(
      ({ offset, logId }) => offset === nodes.offset && logId === nodes.logId,
    );
    if (!isOne) continue;
    const byName = new Map(nodes.rows.nodes.map((row) => [row.name, row]));
    const snapshot = {
      Offset: nodes.offset,
      Log: nodes.logId,
      Nodes: nodes.rows.nodes.map((row) => ({ ...shapeNode(row), State: row.state, Life: row.life })),
      Services: services.rows.services.flatMap((row) => {
        const node = byName.get(row.node);
        return node === undefined ? [] : [shapeCatalogService(row, node)];
      }),
      Checks: checks.rows.checks.map(shapeCheck),
    };
    return json(snapshot, readHeaders(nodes, mode, call));
  }
  throw new ExpectedError('BUSY', 'the catalog changes too fast for a picture of one moment: try again');
}
