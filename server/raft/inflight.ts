/**
 * The appends that are on their way to one follower, bounded by number and by bytes, so that a slow or dead follower
 * costs the leader no memory without end. An acknowledgement frees everything up to its index.
 */

export class InflightWindow {
  private readonly countMax: number;
  private readonly bytesMax: number;
  private readonly sent: { readonly lastIndex: number; readonly bytes: number }[] = [];
  private bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.countMax = countMax;
    this.bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.sent.length >= this.countMax || this.bytes >= this.bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    this.sent.push({ lastIndex, bytes });
    this.bytes += bytes;
  }

  freeTo(index: number): void {
    let freed = 0;
    while (freed < this.sent.length && this.sent[freed]!.lastIndex <= index) {
      this.bytes -= this.sent[freed]!.bytes;
      freed++;
    }
    this.sent.splice(0, freed);
  }

  clear(): void {
    this.sent.length = 0;
    this.bytes = 0;
  }
}
