/** What clients asked and were answered, key by key, with moments that never repeat. */
import type { Judgement, Operation } from './checkers/linearizable.ts';
import { judgeRegister, type RegisterAction } from './checkers/register.ts';

interface Recorded {
  readonly key: string;
  action: RegisterAction;
  readonly invoked: number;
  returned: number | null;
}

/** Of an operation that is under way. */
export interface Ticket {
  readonly operation: Recorded;
}

export class History {
  readonly #recorded: Recorded[] = [];
  #moment = 0;
  #open = 0;
  /** Operations that surely had no effect. */
  #refused = 0;

  get length(): number {
    return this.#recorded.length;
  }

  /** Operations that were answered, or surely refused. */
  get ended(): number {
    return this.#recorded.filter(({ returned }) => returned !== null).length + this.#refused;
  }

  /** Operations that somebody still waits for. */
  get open(): number {
    return this.#open;
  }

  invoke(key: string, action: RegisterAction): Ticket {
    this.#moment += 1;
    this.#open += 1;
    const operation: Recorded = { key, action, invoked: this.#moment, returned: null };
    this.#recorded.push(operation);
    return { operation };
  }

  /** It was answered; a read says with what. */
  answered({ operation }: Ticket, value?: string | null): void {
    this.#moment += 1;
    this.#open -= 1;
    operation.returned = this.#moment;
    if (operation.action.kind === 'read') operation.action = { kind: 'read', value: value ?? null };
  }

  /** Nobody knows whether it took effect, or ever will. */
  unknown(_ticket: Ticket): void {
    this.#open -= 1;
  }

  /** It surely took none. */
  refused({ operation }: Ticket): void {
    this.#open -= 1;
    this.#refused += 1;
    this.#recorded.splice(this.#recorded.indexOf(operation), 1);
  }

  /** By key. */
  judge(): Map<string, Judgement> {
    const byKey = new Map<string, Operation<RegisterAction>[]>();
    for (const { key, action, invoked, returned } of this.#recorded) {
      const operations = byKey.get(key) ?? [];
      byKey.set(key, operations);
      operations.push({ action, invoked, returned });
    }
    return new Map([...byKey].map(([key, operations]) => [key, judgeRegister(operations)]));
  }

  /** The history of one key, for people. */
  describe(key: string): string[] {
    return this.#recorded
      .filter((operation) => operation.key === key)
      .map(({ action, invoked, returned }) => `${invoked}–${returned ?? '?'} ${action.kind} ${action.value}`);
  }
}
