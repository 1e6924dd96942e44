/**
 * What this agent knows of failures by gossip alone: checks of all agents as they tell of them, and members as its own
 * gossip sees them. A hint that needs no server; the numbered log of the servers is the record.
 */
import type { Clock } from '../proto/ports.ts';
import type { EventDraft } from '../proto/schema/event.ts';
import { draftEvent } from '../proto/schema/event-draft.ts';
import type { LocalEvent } from '../proto/schema/local-event.ts';
import { Bell } from './bell.ts';
import { checkEventName, decodeCheckNews } from './check-news.ts';
import type { MembershipChange, UserEvent } from './gossip/membership.ts';
import { readStallNews } from './stall-news.ts';
import { ownEventPrefix } from './user-events.ts';

/** Records that are kept for those who ask; the oldest go. */
export const localEventsKept = 1_000;
/** A follower that is not woken looks again all the same. */
const lookAgainMs = 60_000;

export interface LocalEventCounts {
  readonly heard: number;
  /** Told by an agent in a form that cannot be read. */
  readonly unreadable: number;
}

export class LocalEvents {
  readonly #clock: Clock;
  readonly #bell: Bell;
  readonly #kept: LocalEvent[] = [];
  #heard = 0;
  #unreadable = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bell = new Bell(clock);
  }

  receiveUserEvent({ name, payload }: UserEvent): void {
    if (!name.startsWith(ownEventPrefix)) return;
    const event = name === checkEventName ? ofCheck(payload) : ofStall({ name, payload });
    if (event === undefined) this.#unreadable += 1;
    else this.#keep(event.draft, event.omitted);
  }

  receiveChange(change: MembershipChange): void {
    const draft = ofMember(change);
    if (draft !== undefined) this.#keep(draft, 0);
  }

  /** Oldest first. */
  list(): readonly LocalEvent[] {
    return this.#kept;
  }

  counts(): LocalEventCounts {
    return { heard: this.#heard, unreadable: this.#unreadable };
  }

  /** What comes from now on, until `signal` aborts. A follower is a cursor: what it was too slow for is passed over. */
  async *follow(signal: AbortSignal): AsyncGenerator<LocalEvent | { readonly missed: number }> {
    let position = this.#heard;
    while (!signal.aborted) {
      const first = this.#heard - this.#kept.length;
      if (position < first) {
        yield { missed: first - position };
        position = first;
      } else if (position < this.#heard) {
        position += 1;
        yield this.#kept[position - 1 - first]!;
      } else await this.#bell.wait(lookAgainMs, signal);
    }
  }

  #keep(draft: EventDraft, omitted: number): void {
    const Time = new Date(this.#clock.wallMs()).toISOString();
    this.#kept.push({ Schema: 1, Time, ...draft, Omitted: omitted });
    if (this.#kept.length > localEventsKept) this.#kept.shift();
    this.#heard += 1;
    this.#bell.ring();
  }
}

interface Told {
  readonly draft: EventDraft;
  readonly omitted: number;
}

function ofCheck(payload: Uint8Array): Told | undefined {
  const news = decodeCheckNews(payload);
  if (news === undefined) return undefined;
  const draft = draftEvent({
    ObservedAt: new Date(news.observedAtMs).toISOString(),
    Kind: 'check.changed',
    Node: news.node,
    Service: news.service,
    Check: news.check,
    From: news.from,
    To: news.to,
    Output: news.output,
    Cause: news.cause,
  });
  return { draft, omitted: news.omitted };
}

function ofStall(event: Pick<UserEvent, 'name' | 'payload'>): Told | undefined {
  const news = readStallNews(event);
  if (news === undefined) return undefined;
  const { node: Node, text: Output } = news;
  return { draft: draftEvent({ Kind: 'agent.stalled', Node, Cause: 'check', Output }), omitted: 0 };
}

type Move = Partial<EventDraft> & Pick<EventDraft, 'Kind'>;

const moves: Readonly<Record<MembershipChange['kind'], Move | undefined>> = {
  joined: { Kind: 'node.joined', To: 'alive', Cause: 'join' },
  failed: { Kind: 'node.failed', From: 'alive', To: 'failed', Cause: 'probe' },
  recovered: { Kind: 'node.recovered', From: 'failed', To: 'alive', Cause: 'join' },
  left: { Kind: 'node.left', To: 'left', Cause: 'leave' },
  reaped: { Kind: 'node.reaped', Cause: 'reap' },
  /** Its address or its tags: nothing about health. */
  updated: undefined,
};

function ofMember({ kind, member, dossier }: MembershipChange): EventDraft | undefined {
  const move = moves[kind];
  if (move === undefined) return undefined;
  // Whatever gossip hands over has crossed a thread, and is plain data.
  const evidence = dossier as EventDraft['Evidence'];
  return draftEvent({ ...move, Node: member.name, Evidence: evidence });
}
