/** A binary heap of what is due when. Entries of one moment come out in the order they went in. */
export interface Due {
  readonly dueMs: number;
  /** Rises with each entry of a heap. */
  readonly order: number;
}

export class DueHeap<T extends Due> {
  readonly #entries: T[] = [];

  get first(): T | undefined {
    return this.#entries[0];
  }

  get size(): number {
    return this.#entries.length;
  }

  clear(): void {
    this.#entries.length = 0;
  }

  push(entry: T): void {
    const entries = this.#entries;
    let index = entries.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(entry, entries[parent]!)) break;
      entries[index] = entries[parent]!;
      index = parent;
    }
    entries[index] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const moving = entries.pop();
    if (moving === undefined || entries.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && earlier(entries[child + 1]!, entries[child]!)) child += 1;
      if (!earlier(entries[child]!, moving)) break;
      entries[index] = entries[child]!;
      index = child;
    }
    entries[index] = moving;
    return first;
  }
}

function earlier(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
