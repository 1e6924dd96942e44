/** How much a leader has taken on that is not settled yet. It bounds memory when a majority or the own disk is away. */

export class Backlog {
  bytes = 0;
  private readonly batches: { readonly lastIndex: number; readonly bytes: number }[] = [];
  private first = 0;

  add(lastIndex: number, bytes: number): void {
    this.batches.push({ lastIndex, bytes });
    this.bytes += bytes;
  }

  /** Everything up to `index` is committed and durable. */
  settle(index: number): void {
    while (this.first < this.batches.length && this.batches[this.first]!.lastIndex <= index) {
      this.bytes -= this.batches[this.first]!.bytes;
      this.first++;
    }
    if (this.first * 2 <= this.batches.length) return;
    this.batches.splice(0, this.first);
    this.first = 0;
  }
}
