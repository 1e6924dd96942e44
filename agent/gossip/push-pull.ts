/**
 * Full exchanges: two members lay their whole tables side by side. That is how a newcomer learns of everybody, and how
 * what gossip has missed is found in the end.
 */
import type { NodeStateName, PushNodeState, PushPull, StreamMessage } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Beliefs } from './beliefs.ts';
import type { Deadline } from './deadlines.ts';
import type { Exchanges } from './exchanges.ts';
import type { Belief } from './members.ts';
import type { NameClaim } from './name-claim.ts';
import type { Parts } from './parts.ts';
import { pushPullIntervalMs } from './scale.ts';
import type { Serf } from './serf/serf.ts';
import { findIncompatible } from './versions.ts';

/** Null when it worked; else why not, in words that stand behind the address. */
export type OnExchanged = (failure: string | null) => void;

export class PushPulls {
  readonly #parts: Parts;
  readonly #exchanges: Exchanges;
  readonly #beliefs: Beliefs;
  readonly #serf: Serf;
  readonly #claim: NameClaim;
  #next: Deadline | null = null;

  constructor(options: {
    parts: Parts;
    exchanges: Exchanges;
    beliefs: Beliefs;
    serf: Serf;
    claim: NameClaim;
  }) {
    this.#parts = options.parts;
    this.#exchanges = options.exchanges;
    this.#beliefs = options.beliefs;
    this.#serf = options.serf;
    this.#claim = options.claim;
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
    const { config, counters } = this.#parts;
    counters.add('push_pulls');
    this.#exchanges.ask(to, this.#ownTable(join), config.streamTimeoutMs, (answer) => {
      if (answer.message === undefined) {
        counters.add('push_pulls_failed');
        onDone(answer.detail);
      } else if (answer.message.type !== 'pushPull') onDone('its answer was something else');
      else this.#onAnswer(answer.message, join, onDone);
    });
  }

  /** The other side asks. It gets our table before we take over its own. */
  serve(request: PushPull): StreamMessage {
    this.#parts.counters.add('push_pulls_served');
    const reply = this.#ownTable(request.join);
    this.#merge(request, request.nodes, false);
    return reply;
  }

  #onAnswer(answer: PushPull, join: boolean, onDone: OnExchanged): void {
    if (join && this.#isOurs(answer)) {
      onDone('that is this agent itself');
      return;
    }
    this.#claim.settle(answer.nodes, (nodes, taken) => {
      if (taken !== null) onDone(taken);
      else onDone(this.#merge(answer, nodes, join));
    });
  }

  /** Whoever answers lists itself, so a table with nobody but us is our own. */
  #isOurs({ nodes }: PushPull): boolean {
    const { self } = this.#parts;
    return nodes.every((node) => node.name === self.name && self.record.sameAddress(node));
  }

  #merge(message: PushPull, nodes: readonly PushNodeState[], skipOldEvents: boolean): string | null {
    const { counters, members } = this.#parts;
    const odd = findIncompatible(members, message.nodes);
    if (odd !== undefined) {
      counters.add('push_pulls_incompatible');
      return `member "${odd}" speaks a protocol version that others do not understand`;
    }
    this.#beliefs.merge(nodes);
    this.#serf.mergeState(message.userState, skipOldEvents);
    return null;
  }

  #ownTable(join: boolean): PushPull {
    const { members } = this.#parts;
    const nodes = members.order.map((number): PushNodeState => {
      const { name, addr, port, meta, vsn } = members.record(number);
      const incarnation = members.incarnation(number);
      return { name, addr, port, meta, incarnation, state: stateNames[members.belief(number)], vsn };
    });
    return { type: 'pushPull', join, nodes, userState: this.#serf.encodeState() };
  }

  readonly #onTick = (): void => {
    const { config, deadlines, members, self } = this.#parts;
    const intervalMs = pushPullIntervalMs(config.pushPullIntervalMs, members.count);
    this.#next = deadlines.after(intervalMs, this.#onTick);
    const [number] = members.pick(1, (other) => other !== self.number && members.belief(other) === 'alive');
    if (number !== undefined) this.exchange(members.record(number).endpoint, false, () => {});
  };
}

const stateNames: { readonly [belief in Belief]: NodeStateName } = {
  unknown: 'unknown',
  alive: 'alive',
  suspect: 'suspect',
  dead: 'dead',
  left: 'left',
};
