/** One core's parts on a stage: virtual time, a seed, and a record of everything that leaves. */
import { type GossipConfig, gossipProfiles } from '../../../agent/gossip/config.ts';
import { Keyring } from '../../../agent/gossip/keyring.ts';
import type { GossipEvent } from '../../../agent/gossip/options.ts';
import { makeParts, type Parts } from '../../../agent/gossip/parts.ts';
import type { MemberRecord } from '../../../agent/gossip/records.ts';
import type { Echo } from '../../../agent/gossip/refusal.ts';
import type { StreamReader } from '../../../agent/gossip/streams.ts';
import { decodePacket } from '../../../proto/gossip/envelope.ts';
import { labelOf } from '../../../proto/gossip/label.ts';
import type { Alive, PacketMessage, StreamMessage } from '../../../proto/gossip/messages.ts';
import { encodeStream, StreamDecoder } from '../../../proto/gossip/stream.ts';
import { encodeTags } from '../../../proto/gossip/tags.ts';
import type { Endpoint } from '../../../proto/ports.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SeededRandom } from '../../sim/random.ts';

export const vsn = Uint8Array.of(1, 5, 2, 2, 5, 5);

export interface Sent {
  readonly to: string;
  readonly messages: readonly PacketMessage[];
}

export interface Asked {
  readonly to: string;
  readonly question: StreamMessage;
  readonly timeoutMs: number;
  readonly reader: StreamReader | null;
  answer(message: StreamMessage): void;
}

export interface Knocked {
  readonly to: string;
  readonly messages: readonly PacketMessage[];
  readonly forMs: number;
  readonly echo: (echo: Echo) => void;
}

export interface Stage {
  readonly clock: VirtualClock;
  readonly parts: Parts;
  readonly keyring: Keyring;
  readonly sent: Sent[];
  readonly asked: Asked[];
  readonly knocked: Knocked[];
  readonly events: GossipEvent[];
  /** Messages sent to a member, in order, and forgotten. */
  take(name: string): PacketMessage[];
  /** A living member, known to the table and on the roll. */
  meet(name: string, options?: { incarnation?: number; tags?: Record<string, string> }): MemberRecord;
}

export interface StageOptions {
  readonly config?: Partial<GossipConfig>;
  readonly keys?: readonly Uint8Array[];
  readonly label?: string;
  readonly onNews?: () => void;
}

export function stage(options: StageOptions = {}): Stage {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const asked: Asked[] = [];
  const knocked: Knocked[] = [];
  const events: GossipEvent[] = [];
  const label = options.label ?? '';
  const keyring = new Keyring(options.keys ?? []);
  const opening = () => ({ label: labelOf(label), keys: keyring.keys, acceptPlain: false });
  const parts: Parts = makeParts(
    {
      name: 'me',
      advertise: { host: '10.0.0.1', port: 8301 },
      tags: { id: 'my-id', rc_gossip: '1' },
      config: { ...gossipProfiles.lan, ...options.config },
      label,
      keyring,
      clock,
      random: new SeededRandom('stage'),
      send: (to, packet) =>
        sent.push({ to: named(parts, to), messages: decodePacket(packet, opening()).messages }),
      streams: {
        exchange: (to, request, timeoutMs, reader) => {
          const progress = new StreamDecoder('client', opening()).push(request);
          if (progress.state !== 'complete') throw new Error(`sent a stream that is ${progress.state}`);
          const settings = { sender: 'server' as const, label: opening().label, compress: false, seal: null };
          asked.push({
            to: named(parts, to),
            question: progress.message,
            timeoutMs,
            reader,
            answer: (message) => reader?.receive(encodeStream(message, settings)),
          });
        },
      },
      knock: (to, packet, forMs, echo) =>
        knocked.push({
          to: named(parts, to),
          messages: decodePacket(packet, opening()).messages,
          forMs,
          echo,
        }),
      onEvent: (event) => events.push(event),
    },
    options.onNews ?? (() => {}),
  );
  parts.self.incarnation = 1;
  parts.members.announce(parts.self.record, 1, 0);
  parts.roll.setStatus(parts.self.number, 'alive');
  return {
    clock,
    parts,
    keyring,
    sent,
    asked,
    knocked,
    events,
    take: (name) => {
      const messages = sent.filter(({ to }) => to === name).flatMap((each) => each.messages);
      sent.splice(0, sent.length, ...sent.filter(({ to }) => to !== name));
      return messages;
    },
    meet: (name, how = {}) => {
      const record = parts.records.intern(aliveOf(name, how))!;
      parts.members.announce(record, how.incarnation ?? 1, parts.deadlines.nowMs());
      parts.roll.setStatus(record.number, 'alive');
      return record;
    },
  };
}

const hostByName = new Map<string, number>();

/** What a member of that name announces; each name has an address of its own. */
export function aliveOf(
  name: string,
  how: { incarnation?: number; tags?: Record<string, string>; host?: number } = {},
): Alive {
  if (!hostByName.has(name)) hostByName.set(name, hostByName.size + 2);
  return {
    type: 'alive',
    node: name,
    incarnation: how.incarnation ?? 1,
    addr: Uint8Array.of(10, 0, 1, how.host ?? hostByName.get(name)!),
    port: 8301,
    meta: encodeTags(new Map(Object.entries(how.tags ?? { id: `id-of-${name}` }))),
    vsn,
  };
}

export function suspectOf(node: string, from: string, incarnation = 1) {
  return { type: 'suspect' as const, node, from, incarnation };
}

export function deadOf(node: string, from: string, incarnation = 1) {
  return { type: 'dead' as const, node, from, incarnation };
}

function named(parts: Parts, to: Endpoint): string {
  const number = [...parts.members.order].find((other) => {
    const { endpoint } = parts.members.record(other);
    return endpoint.host === to.host && endpoint.port === to.port;
  });
  return number === undefined ? `${to.host}:${to.port}` : parts.members.record(number).name;
}
