/**
 * Full exchanges: two members lay their whole tables side by side. That is how a newcomer learns of everybody, and how
 * what gossip has missed is found in the end. Members of our own kind compare digests first (`kin-exchange.ts`).
 */
import type { PushPull, StreamMessage } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Deadline } from './deadlines.ts';
import type { Kin } from './kin.ts';
import type { KinExchange } from './kin-exchange.ts';
import type { NameClaim } from './name-claim.ts';
import type { Parts } from './parts.ts';
import type { MemberRecord } from './records.ts';
import { pushPullIntervalMs } from './scale.ts';
import type { Table } from './table.ts';

/** Null when it worked; else why not, in words that stand behind the address. */
export type OnExchanged = (failure: string | null) => void;

export class PushPulls {
  readonly #parts: Parts;
  readonly #table: Table;
  readonly #claim: NameClaim;
  readonly #kin: Kin;
  readonly #kinExchange: KinExchange;
  #next: Deadline | null = null;

  constructor(options: {
    parts: Parts;
    table: Table;
    claim: NameClaim;
    kin: Kin;
    kinExchange: KinExchange;
  }) {
    this.#parts = options.parts;
    this.#table = options.table;
    this.#claim = options.claim;
    this.#kin = options.kin;
    this.#kinExchange = options.kinExchange;
  }

  start(): void {
    const { config, deadlines, random } = this.#parts;
    if (config.pushPullIntervalMs === 0) return;
    this.#next = deadlines.after(random.unit() * config.pushPullIntervalMs, this.#onTick);
  }

  stop(): void {
    this.#next?.cancel();
  }

  /** With one other member; a `join` is by somebody who has just come. */
  exchange(to: Endpoint, join: boolean, onDone: OnExchanged): void {
    const { config, counters, exchanges } = this.#parts;
    counters.add('push_pulls');
    exchanges.ask(to, this.#table.own(join), config.streamTimeoutMs, (answer) => {
      if (answer.message === undefined) {
        counters.add('push_pulls_failed');
        onDone(answer.detail);
      } else if (answer.message.type !== 'pushPull') onDone('its answer was something else');
      else this.#onAnswer(to, answer.message, join, onDone);
    });
  }

  /** The other side asks. It gets our table before we take over its own. */
  serve(request: PushPull): StreamMessage {
    this.#parts.counters.add('push_pulls_served');
    const reply = this.#table.own(request.join);
    this.#table.merge(request, request.nodes, false);
    return reply;
  }

  #onAnswer(from: Endpoint, answer: PushPull, join: boolean, onDone: OnExchanged): void {
    if (join && this.#isOurs(answer)) {
      onDone('that is this agent itself');
      return;
    }
    this.#claim.settle(from, answer.nodes, (nodes, taken) => {
      if (taken !== null) onDone(taken);
      else onDone(this.#table.merge(answer, nodes, join));
    });
  }

  /** Whoever answers lists itself, so a table with nobody but us is our own. */
  #isOurs({ nodes }: PushPull): boolean {
    const { self } = this.#parts;
    return nodes.every((node) => node.name === self.name && self.record.sameAddress(node));
  }

  readonly #onTick = (): void => {
    const { config, deadlines, members, self } = this.#parts;
    const intervalMs = pushPullIntervalMs(config.pushPullIntervalMs, members.count);
    this.#next = deadlines.after(intervalMs, this.#onTick);
    const [number] = members.pick(1, (other) => other !== self.number && members.belief(other) === 'alive');
    if (number !== undefined) this.#meet(members.record(number));
  };

  #meet(member: MemberRecord): void {
    const exchange = () => this.exchange(member.endpoint, false, () => {});
    if (this.#kin.isKin(member.name)) this.#kinExchange.compare(member, exchange);
    else exchange();
  }
}
