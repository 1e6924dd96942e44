/**
 * The event log as it should be: every event once, dense, in the order in which the first server applied it. Servers and
 * listeners are compared with it. It also keeps the chain of each check: an event says `From` what the one before said `To`.
 */
import type { HealthEvent } from '../../../proto/schema/event.ts';
import type { Findings } from './findings.ts';

export class Ledger {
  readonly #findings: Findings;
  readonly #events: HealthEvent[] = [];
  readonly #chains = new ChainOfChecks();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get last(): number {
    return this.#events.length;
  }

  get events(): readonly HealthEvent[] {
    return this.#events;
  }

  /** A server has applied an entry with these events. */
  applied(server: string, events: readonly HealthEvent[]): void {
    for (const event of events) {
      if (event.Offset === this.last + 1) this.#enter(server, event);
      else this.compare(server, event);
    }
  }

  /** Somebody holds this event or was told of it. */
  compare(who: string, event: HealthEvent): void {
    const known = this.#events[event.Offset - 1];
    this.#findings.check(
      known !== undefined && isSameEvent(known, event),
      'event log',
      () => `${who} has ${JSON.stringify(event)}, and event ${event.Offset} is ${JSON.stringify(known)}`,
    );
  }

  #enter(server: string, event: HealthEvent): void {
    const before = this.#events.at(-1);
    this.#findings.check(
      before === undefined || event.Time >= before.Time,
      'event log',
      () => `event ${event.Offset} on ${server} lies before the one before: ${event.Time}`,
    );
    const broken = this.#chains.follow(event);
    this.#findings.check(broken === null, 'unbroken chain', () => broken!);
    this.#events.push(event);
  }
}

/** From → To of each check, as a reader of the events sees it. */
export class ChainOfChecks {
  /** By node, then by check. */
  readonly #statuses = new Map<string, Map<string, string>>();

  /** What is wrong with this event after the ones before; null when nothing is. */
  follow(event: HealthEvent): string | null {
    const { Kind, Node, Check, From, To, Offset } = event;
    // A node that leaves or is forgotten takes its checks without an event each.
    if (Kind === 'node.left' || Kind === 'node.reaped') this.#statuses.delete(Node);
    if (!Kind.startsWith('check.')) return null;
    let checks = this.#statuses.get(Node);
    if (checks === undefined) {
      checks = new Map();
      this.#statuses.set(Node, checks);
    }
    const before = checks.get(Check) ?? '';
    if (Kind === 'check.removed') checks.delete(Check);
    else checks.set(Check, To);
    if (From === before) return null;
    return `event ${Offset}: ${Node}/${Check} goes from "${From}" to "${To}", and it was "${before}"`;
  }

  /** Events are missing from here on: what is not known cannot be broken. */
  forget(): void {
    this.#statuses.clear();
  }
}

export function isSameEvent(a: HealthEvent, b: HealthEvent): boolean {
  if (a === b) return true;
  const isSame =
    a.Offset === b.Offset &&
    a.Time === b.Time &&
    a.Kind === b.Kind &&
    a.Node === b.Node &&
    a.Check === b.Check &&
    a.From === b.From &&
    a.To === b.To &&
    a.Output === b.Output &&
    a.Revision === b.Revision &&
    a.ObservedAt === b.ObservedAt;
  return isSame && JSON.stringify(a.Evidence) === JSON.stringify(b.Evidence);
}
