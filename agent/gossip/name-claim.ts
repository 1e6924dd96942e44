/**
 * Is our name free? Before anything of a stranger's table is taken over, our own name is looked up in it. Another
 * agent (another data folder) that bears it and answers is in the right, and we have to go. One that does not answer
 * any more is on its way out: others will take our word as soon as they have noticed, so we come back until they do.
 */

import { formatAddress } from '../../proto/address.ts';
import type { PushNodeState } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Parts } from './parts.ts';
import { Probe } from './probe.ts';
import type { MemberRecord } from './records.ts';

/** Somebody else who bears our name and lives. */
export interface Rival {
  readonly name: string;
  readonly address: string;
  /** '' when it has no id. */
  readonly id: string;
}

/** Nodes that may be merged, and null; or why nothing may be. */
type OnSettled = (nodes: readonly PushNodeState[], taken: string | null) => void;

const comeBackMs = 2_000;
const comeBackTimesMax = 30;

export class NameClaim {
  readonly #parts: Parts;
  readonly #onTaken: (rival: Rival) => void;
  readonly #comeBack: (to: Endpoint) => void;
  #returns = 0;
  #waiting = false;

  constructor(options: {
    parts: Parts;
    /** The name belongs to somebody who lives. */
    onTaken: (rival: Rival) => void;
    /** Exchange tables once more. */
    comeBack: (to: Endpoint) => void;
  }) {
    this.#parts = options.parts;
    this.#onTaken = options.onTaken;
    this.#comeBack = options.comeBack;
  }

  settle(from: Endpoint, nodes: readonly PushNodeState[], onSettled: OnSettled): void {
    const rival = this.#rivalIn(nodes);
    if (rival === undefined) {
      this.#returns = 0;
      onSettled(nodes, null);
      return;
    }
    new Probe({
      parts: this.#parts,
      target: rival,
      effort: 'urgent',
      onDone: ({ answered }) => {
        if (answered) onSettled([], this.#giveUp(rival));
        else {
          this.#waitForOthers(from);
          onSettled(
            nodes.filter(({ name }) => name !== rival.name),
            null,
          );
        }
      },
    });
  }

  #rivalIn(nodes: readonly PushNodeState[]): MemberRecord | undefined {
    const { records, self } = this.#parts;
    const entry = nodes.find(
      ({ name, state }) => name === self.name && (state === 'alive' || state === 'suspect'),
    );
    if (entry === undefined || self.record.sameAddress(entry)) return undefined;
    const rival = records.intern({ ...entry, node: entry.name });
    // The same data folder at another address is our own past; we only have to say so louder.
    return rival === undefined || (rival.id !== '' && rival.id === self.record.id) ? undefined : rival;
  }

  #giveUp(rival: MemberRecord): string {
    const address = formatAddress(rival.endpoint);
    this.#parts.counters.add('names_taken');
    this.#onTaken({ name: rival.name, address, id: rival.id });
    return `the node name "${rival.name}" is taken by a living member at ${address}`;
  }

  #waitForOthers(from: Endpoint): void {
    if (this.#waiting || this.#returns >= comeBackTimesMax) return;
    this.#waiting = true;
    this.#returns += 1;
    this.#parts.deadlines.after(comeBackMs, () => {
      this.#waiting = false;
      this.#comeBack(from);
    });
  }
}
