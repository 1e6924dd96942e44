/** Rows that belong to a node and have an id there: services and checks. Lists come out sorted by id, made once. */
export class RowsOfNodes<Row extends { readonly node: string; readonly id: string }> {
  readonly #byNode = new Map<string, Map<string, Row>>();
  readonly #lists = new Map<string, readonly Row[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(node: string, id: string): Row | undefined {
    return this.#byNode.get(node)?.get(id);
  }

  of(node: string): readonly Row[] {
    const known = this.#lists.get(node);
    if (known !== undefined) return known;
    const rows = this.#byNode.get(node);
    if (rows === undefined) return [];
    const list = [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#lists.set(node, list);
    return list;
  }

  put(row: Row): void {
    const rows = this.#byNode.get(row.node) ?? new Map<string, Row>();
    if (rows.size === 0) this.#byNode.set(row.node, rows);
    if (!rows.has(row.id)) this.#size += 1;
    rows.set(row.id, row);
    this.#lists.delete(row.node);
  }

  /** The row that was removed. */
  remove(node: string, id: string): Row | undefined {
    const rows = this.#byNode.get(node);
    const row = rows?.get(id);
    if (rows === undefined || row === undefined) return undefined;
    rows.delete(id);
    this.#size -= 1;
    this.#lists.delete(node);
    if (rows.size === 0) this.#byNode.delete(node);
    return row;
  }
}
