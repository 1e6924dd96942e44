/**
 * Named cursors: how far a reader, or one share of several readers, has confirmed the event log. They are part of
 * the state machine, so a reader goes on at the same place after any change of leader.
 */

export interface Cursor {
  readonly name: string;
  /** `''` for the whole log, or `i/n`: the i-th of n shares, by hash of the node. */
  readonly share: string;
  /** Everything up to this offset is confirmed. */
  readonly offset: number;
}

/** Cursors that a cluster keeps at most; a further name is refused. */
export const cursorsMax = 10_000;

export class Cursors {
  readonly #cursors = new Map<string, Cursor>();

  get size(): number {
    return this.#cursors.size;
  }

  find(name: string, share: string): Cursor | undefined {
    return this.#cursors.get(keyOf(name, share));
  }

  put(cursor: Cursor): void {
    this.#cursors.set(keyOf(cursor.name, cursor.share), cursor);
  }

  /** Forgets all shares of this name. True when there was one. */
  remove(name: string): boolean {
    const shares = [...this.#cursors.values()].filter((cursor) => cursor.name === name);
    for (const { share } of shares) this.#cursors.delete(keyOf(name, share));
    return shares.length > 0;
  }

  all(): Cursor[] {
    return [...this.#cursors.values()];
  }
}

function keyOf(name: string, share: string): string {
  return `${share} ${name}`;
}
