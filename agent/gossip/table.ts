/** Our whole table, or a part of it, as a message; and what comes in as one, taken over. */
import type { NodeStateName, PushNodeState, PushPull } from '../../proto/gossip/messages.ts';
import type { Beliefs } from './beliefs.ts';
import type { Belief } from './members.ts';
import type { Parts } from './parts.ts';
import type { Serf } from './serf/serf.ts';
import { everything, type StateScope } from './serf/state.ts';
import { findIncompatible } from './versions.ts';

export class Table {
  readonly #parts: Parts;
  readonly #beliefs: Beliefs;
  readonly #serf: Serf;

  constructor(options: { parts: Parts; beliefs: Beliefs; serf: Serf }) {
    this.#parts = options.parts;
    this.#beliefs = options.beliefs;
    this.#serf = options.serf;
  }

  own(join: boolean, scope: StateScope = everything): PushPull {
    const { members } = this.#parts;
    const nodes: PushNodeState[] = [];
    for (const number of members.order) {
      const record = members.record(number);
      if (!scope.includes(record)) continue;
      const { name, addr, port, meta, vsn } = record;
      const incarnation = members.incarnation(number);
      nodes.push({ name, addr, port, meta, incarnation, state: stateNames[members.belief(number)], vsn });
    }
    return { type: 'pushPull', join, nodes, userState: this.#serf.encodeState(scope) };
  }

  /** `nodes` are those of the message that count. Null, or why nothing was taken over. */
  merge(message: PushPull, nodes: readonly PushNodeState[], skipOldEvents: boolean): string | null {
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
}

const stateNames: { readonly [belief in Belief]: NodeStateName } = {
  unknown: 'unknown',
  alive: 'alive',
  suspect: 'suspect',
  dead: 'dead',
  left: 'left',
};
