/**
 * Questions to the catalog, and which rows and which index answer them. Rows come sorted by node name, then by id;
 * a node that left and took everything with it is no longer shown, although its row remembers its journal.
 */
import type { CatalogQuery, CatalogRows } from '../../proto/rpc.ts';
import type { CheckRow, NodeRow, ServiceRow } from '../../proto/schema/catalog.ts';
import type { Catalog } from './catalog.ts';

export interface QueryAnswer {
  readonly rows: CatalogRows;
  /** Index of the last change of what was asked for, at least 1. */
  readonly index: number;
}

export function queryCatalog(catalog: Catalog, query: CatalogQuery): QueryAnswer {
  const { indexes } = catalog;
  switch (query.of) {
    case 'all': {
      const { nodes, services, checks } = indexes.table;
      const rows = {
        nodes: catalog.nodes(),
        services: flat(catalog, (name) => catalog.servicesOf(name)),
        checks: flat(catalog, (name) => catalog.checksOf(name)),
      };
      return answer(rows, Math.max(nodes, services, checks));
    }
    case 'nodes':
      return answer({ nodes: shownNodes(catalog) }, indexes.table.nodes);
    case 'node': {
      const node = shownNode(catalog, query.node);
      if (node === undefined) return answer({}, indexes.node(query.node));
      return answer({ nodes: [node], services: catalog.servicesOf(node.name) }, indexes.node(node.name));
    }
    case 'services':
      return answer({ services: flat(catalog, (name) => catalog.servicesOf(name)) }, indexes.table.services);
    case 'service':
      return answer(instancesOf(catalog, query.name), indexes.service(query.name));
    case 'checks':
      return answer({ checks: flat(catalog, (name) => catalog.checksOf(name)) }, indexes.table.checks);
    case 'checksInState': {
      const all = query.state === 'any';
      const wanted = (check: CheckRow) => all || check.status === query.state;
      const checks = flat(catalog, (name) => catalog.checksOf(name).filter(wanted));
      return answer({ checks }, indexes.table.checks);
    }
    case 'nodeChecks': {
      const node = shownNode(catalog, query.node);
      const checks = node === undefined ? [] : catalog.checksOf(node.name);
      return answer({ checks }, indexes.table.checks);
    }
    case 'serviceChecks': {
      const own = (check: CheckRow) => check.serviceName === query.name;
      const checks = catalog.hostsOf(query.name).flatMap((name) => catalog.checksOf(name).filter(own));
      return answer({ checks }, indexes.table.checks);
    }
  }
}

/** What health/service needs: the instances, their nodes, and the checks of both. */
function instancesOf(catalog: Catalog, serviceName: string): Partial<CatalogRows> {
  const nodes: NodeRow[] = [];
  const services: ServiceRow[] = [];
  const checks: CheckRow[] = [];
  for (const name of catalog.hostsOf(serviceName)) {
    nodes.push(catalog.node(name)!);
    const own = catalog.servicesOf(name).filter((service) => service.name === serviceName);
    services.push(...own);
    const ids = new Set(own.map((service) => service.id));
    checks.push(
      ...catalog.checksOf(name).filter((check) => check.serviceId === '' || ids.has(check.serviceId)),
    );
  }
  return { nodes, services, checks };
}

function shownNodes(catalog: Catalog): NodeRow[] {
  return catalog.nodes().filter((row) => isShown(catalog, row));
}

/** By name, or by node id. */
function shownNode(catalog: Catalog, nameOrId: string): NodeRow | undefined {
  const row = catalog.node(nameOrId) ?? catalog.nodeById(nameOrId);
  return row !== undefined && isShown(catalog, row) ? row : undefined;
}

function isShown(catalog: Catalog, row: NodeRow): boolean {
  return row.state !== 'left' || catalog.checksOf(row.name).length > 0;
}

function flat<Row>(catalog: Catalog, rowsOf: (name: string) => readonly Row[]): Row[] {
  const rows: Row[] = [];
  for (const name of catalog.names()) for (const row of rowsOf(name)) rows.push(row);
  return rows;
}

function answer(rows: Partial<CatalogRows>, index: number): QueryAnswer {
  return { rows: { nodes: [], services: [], checks: [], ...rows }, index: Math.max(1, index) };
}
