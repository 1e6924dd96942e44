/**
 * What agents tell one another beside membership: user events, changes of checks, and a word about themselves to whoever
 * asks all of them.
 */
import type { Clock } from '../proto/ports.ts';
import { CheckGossip } from './check-gossip.ts';
import type { Membership } from './gossip/membership.ts';
import type { GossipMembership } from './gossip-thread.ts';
import { LocalEvents } from './local-events.ts';
import type { LocalState } from './local-state.ts';
import { answerHealth, healthQuery } from './query-answers.ts';
import { RecentUserEvents } from './user-events.ts';

export interface GossipNewsPorts {
  readonly clock: Clock;
  readonly node: string;
  readonly membership: Pick<GossipMembership, keyof Membership | 'onQuery'>;
  readonly state: LocalState;
}

export class GossipNews {
  readonly userEvents: RecentUserEvents;
  readonly localEvents: LocalEvents;
  readonly checks: CheckGossip;
  readonly #endings: ReadonlyArray<() => void>;

  constructor({ clock, node, membership, state }: GossipNewsPorts) {
    this.userEvents = new RecentUserEvents({ clock, node, services: () => state.ownServices() });
    this.localEvents = new LocalEvents(clock);
    this.checks = new CheckGossip({
      clock,
      node,
      // It can only fail because the agent stops, and then nobody needs to hear it.
      fire: (name, payload) => void membership.fireEvent({ name, payload, coalesce: false }).catch(() => {}),
    });
    this.#endings = [
      membership.onUserEvent((event) => {
        this.userEvents.receive(event);
        this.localEvents.receiveUserEvent(event);
      }),
      membership.onChange((change) => this.localEvents.receiveChange(change)),
      membership.onQuery(({ name }) => (name === healthQuery ? answerHealth(node, state.ownChecks()) : null)),
      state.onStatusMove((move) => this.checks.receive(move)),
    ];
  }

  stop(): void {
    this.checks.stop();
    for (const end of this.#endings) end();
  }
}
