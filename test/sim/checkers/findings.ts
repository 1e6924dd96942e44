/** What must never be and was seen all the same. */
export interface Finding {
  /** Name of the rule that was broken. */
  readonly rule: string;
  readonly text: string;
}

/** One broken rule tends to break all others; the first ones are what matters. */
const findingsMax = 10;

export class Findings {
  readonly list: Finding[] = [];

  get none(): boolean {
    return this.list.length === 0;
  }

  add(rule: string, text: string): void {
    if (this.list.length < findingsMax) this.list.push({ rule, text });
  }

  check(holds: boolean, rule: string, text: () => string): void {
    if (!holds) this.add(rule, text());
  }
}
