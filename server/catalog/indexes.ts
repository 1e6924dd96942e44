/**
 * Which entry of the Raft log changed what last: Consul's X-Consul-Index. A client waits with the index that it
 * has and is answered when it grows, so an index may move too often but must never miss a change. What was
 * removed leaves its trace in one number a table, not in a tombstone each.
 */
export interface IndexTable {
  nodes: number;
  services: number;
  checks: number;
  /** Highest index at which a node, or the last instance of a service, went away. */
  nodeVanished: number;
  serviceVanished: number;
}

export class Indexes {
  readonly table: IndexTable = { nodes: 0, services: 0, checks: 0, nodeVanished: 0, serviceVanished: 0 };
  readonly #nodes = new Map<string, number>();
  readonly #services = new Map<string, number>();

  /** Last change of a node or one of its services. */
  node(name: string): number {
    return this.#nodes.get(name) ?? this.table.nodeVanished;
  }

  /** Last change of an instance of that service, its checks, its nodes or their checks. */
  service(name: string): number {
    return this.#services.get(name) ?? this.table.serviceVanished;
  }

  nodeChanged(name: string, index: number): void {
    this.table.nodes = Math.max(this.table.nodes, index);
    raise(this.#nodes, name, index);
  }

  nodeRemoved(name: string, index: number): void {
    this.table.nodes = Math.max(this.table.nodes, index);
    this.table.nodeVanished = Math.max(this.table.nodeVanished, index);
    this.#nodes.delete(name);
  }

  serviceChanged(node: string, name: string, index: number): void {
    this.table.services = Math.max(this.table.services, index);
    raise(this.#nodes, node, index);
    raise(this.#services, name, index);
  }

  serviceTouched(name: string, index: number): void {
    raise(this.#services, name, index);
  }

  serviceVanished(name: string, index: number): void {
    this.table.serviceVanished = Math.max(this.table.serviceVanished, index);
    this.#services.delete(name);
  }

  checkChanged(index: number): void {
    this.table.checks = Math.max(this.table.checks, index);
  }

  /** For a snapshot. */
  entries(): { nodes: Array<[string, number]>; services: Array<[string, number]>; table: IndexTable } {
    return { nodes: [...this.#nodes], services: [...this.#services], table: { ...this.table } };
  }

  /** Everything was replaced by this entry; also what is not there any more. */
  allChanged(index: number): void {
    const all = { nodes: index, services: index, checks: index, nodeVanished: index, serviceVanished: index };
    Object.assign(this.table, all satisfies IndexTable);
  }

  /** From a snapshot, after its rows were put. */
  restore(table: IndexTable): void {
    Object.assign(this.table, table);
  }

  restoreNode(name: string, index: number): void {
    this.#nodes.set(name, index);
  }

  restoreService(name: string, index: number): void {
    this.#services.set(name, index);
  }
}

function raise(map: Map<string, number>, key: string, index: number): void {
  if ((map.get(key) ?? 0) < index) map.set(key, index);
}
