/**
 * Nodes, services and checks, in memory. Rows are replaced whole and never changed in place, so a list of them
 * is a picture that stays as it was: that is what makes a snapshot of a hundred thousand rows a matter of
 * copying references. Only the state machine writes here, and `indexes` remembers which entry did.
 */
import { assert } from '../../proto/assert.ts';
import type { CheckRow, NodeRow, ServiceRow } from '../../proto/schema/catalog.ts';
import { Indexes } from './indexes.ts';
import { RowsOfNodes } from './rows-of-nodes.ts';

export class Catalog {
  readonly indexes = new Indexes();
  readonly #nodes = new Map<string, NodeRow>();
  readonly #nameOfId = new Map<string, string>();
  readonly #services = new RowsOfNodes<ServiceRow>();
  readonly #checks = new RowsOfNodes<CheckRow>();
  /** Service name → nodes with at least one instance, and how many each has. */
  readonly #hosts = new Map<string, Map<string, number>>();
  #sortedNames: readonly string[] | null = null;

  node(name: string): NodeRow | undefined {
    return this.#nodes.get(name);
  }

  /** Node ids are unique in the catalog; external nodes without one are not found here. */
  nodeById(id: string): NodeRow | undefined {
    const name = this.#nameOfId.get(id);
    return name === undefined ? undefined : this.#nodes.get(name);
  }

  /** All nodes, by name. */
  nodes(): NodeRow[] {
    return this.names().map((name) => this.#nodes.get(name)!);
  }

  /** Names of all nodes, sorted. */
  names(): readonly string[] {
    this.#sortedNames ??= [...this.#nodes.keys()].sort();
    return this.#sortedNames;
  }

  service(node: string, id: string): ServiceRow | undefined {
    return this.#services.get(node, id);
  }

  /** Services of one node, by id. */
  servicesOf(node: string): readonly ServiceRow[] {
    return this.#services.of(node);
  }

  check(node: string, id: string): CheckRow | undefined {
    return this.#checks.get(node, id);
  }

  /** Checks of one node, by id. */
  checksOf(node: string): readonly CheckRow[] {
    return this.#checks.of(node);
  }

  checkCount(): number {
    return this.#checks.size;
  }

  /** Names of the nodes that run an instance of this service, sorted. */
  hostsOf(serviceName: string): string[] {
    return [...(this.#hosts.get(serviceName)?.keys() ?? [])].sort();
  }

  putNode(row: NodeRow): void {
    const before = this.#nodes.get(row.name);
    if (before === undefined) this.#sortedNames = null;
    else if (before.id !== '' && before.id !== row.id) this.#nameOfId.delete(before.id);
    if (row.id !== '') this.#nameOfId.set(row.id, row.name);
    this.#nodes.set(row.name, row);
    this.indexes.nodeChanged(row.name, row.modifyIndex);
    this.#touchServicesOn(row.name, row.modifyIndex);
  }

  /** How far the node's journal has come: nothing that a reader of the catalog sees, so no index moves. */
  advanceJournal(name: string, journalId: string, revision: number): void {
    const row = this.#nodes.get(name);
    assert(row !== undefined, () => `the journal of an unknown node ${name}`);
    this.#nodes.set(name, { ...row, journalId, revision });
  }

  /** Also bookkeeping: what the leader last saw in gossip. */
  noteIncarnation(name: string, incarnation: number): void {
    const row = this.#nodes.get(name);
    assert(row !== undefined, `the incarnation of an unknown node ${name}`);
    this.#nodes.set(name, { ...row, incarnation });
  }

  /** The node's services and checks go first; see `clearNode`. */
  removeNode(name: string, index: number): void {
    this.clearNode(name, index);
    const row = this.#nodes.get(name);
    if (row === undefined) return;
    if (row.id !== '') this.#nameOfId.delete(row.id);
    this.#nodes.delete(name);
    this.#sortedNames = null;
    this.indexes.nodeRemoved(name, index);
  }

  /** Removes all services and checks of a node. */
  clearNode(name: string, index: number): void {
    for (const check of this.#checks.of(name)) this.removeCheck(name, check.id, index);
    for (const service of this.#services.of(name)) this.removeService(name, service.id, index);
  }

  putService(row: ServiceRow): void {
    const before = this.#services.get(row.node, row.id);
    if (before?.name !== row.name) {
      if (before !== undefined) this.#forgetInstance(before, row.modifyIndex);
      const hosts = this.#hosts.get(row.name) ?? new Map<string, number>();
      hosts.set(row.node, (hosts.get(row.node) ?? 0) + 1);
      this.#hosts.set(row.name, hosts);
    }
    this.#services.put(row);
    this.indexes.serviceChanged(row.node, row.name, row.modifyIndex);
  }

  removeService(node: string, id: string, index: number): void {
    const row = this.#services.remove(node, id);
    if (row === undefined) return;
    this.indexes.serviceChanged(node, row.name, index);
    this.#forgetInstance(row, index);
  }

  putCheck(row: CheckRow): void {
    this.#checks.put(row);
    this.#checkChanged(row, row.modifyIndex);
  }

  removeCheck(node: string, id: string, index: number): void {
    const row = this.#checks.remove(node, id);
    if (row !== undefined) this.#checkChanged(row, index);
  }

  #checkChanged(row: CheckRow, index: number): void {
    this.indexes.checkChanged(index);
    if (row.serviceName !== '') this.indexes.serviceTouched(row.serviceName, index);
    else this.#touchServicesOn(row.node, index);
  }

  /** What concerns a node concerns whoever watches a service that runs there. */
  #touchServicesOn(node: string, index: number): void {
    for (const service of this.#services.of(node)) this.indexes.serviceTouched(service.name, index);
  }

  #forgetInstance(row: ServiceRow, index: number): void {
    const hosts = this.#hosts.get(row.name);
    const left = (hosts?.get(row.node) ?? 0) - 1;
    assert(hosts !== undefined && left >= 0, `instance ${row.node}/${row.id} of ${row.name} was not counted`);
    if (left > 0) hosts.set(row.node, left);
    else hosts.delete(row.node);
    if (hosts.size === 0) {
      this.#hosts.delete(row.name);
      this.indexes.serviceVanished(row.name, index);
    }
  }
}
