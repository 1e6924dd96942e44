/** What the parts of one core have in common. Made once; each part takes what it needs from it. */
import type { Opening } from '../../proto/gossip/envelope.ts';
import { labelOf } from '../../proto/gossip/label.ts';
import type { Random } from '../../proto/ports.ts';
import { Acks } from './acks.ts';
import { Awareness } from './awareness.ts';
import { Broadcasts } from './broadcasts.ts';
import type { GossipConfig } from './config.ts';
import { Counters } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import { Exchanges } from './exchanges.ts';
import { Intruders } from './intruders.ts';
import { Members } from './members.ts';
import type { GossipOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { Records } from './records.ts';
import type { Knock } from './refusal.ts';
import { metaOf, Self } from './self.ts';
import { Roll } from './serf/roll.ts';

/** Pings that may be waiting for an ack at once, those for others included. */
const acksMax = 4_096;

export interface Parts {
  readonly config: GossipConfig;
  readonly deadlines: Deadlines;
  readonly random: Random;
  readonly counters: Counters;
  readonly records: Records;
  readonly members: Members;
  readonly roll: Roll;
  readonly self: Self;
  readonly awareness: Awareness;
  readonly outbox: Outbox;
  readonly acks: Acks;
  readonly exchanges: Exchanges;
  readonly knock: Knock;
  readonly intruders: Intruders;
  /** How to open what comes in. */
  readonly opening: () => Opening;
}

/** Throws BAD_REQUEST for tags or a label that are too long. */
export function makeParts(options: GossipOptions, onNews: () => void): Parts {
  const { config, clock, random, keyring, onEvent } = options;
  const label = labelOf(options.label);
  const counters = new Counters();
  const awareness = new Awareness(config.awarenessMaxMultiplier);
  const deadlines: Deadlines = new Deadlines({
    clock,
    stallMs: config.stallMs,
    onStall: (stallMs) => {
      awareness.onStall(stallMs, config.probeTimeoutMs, deadlines.nowMs());
      counters.add('stalls');
      onEvent({ kind: 'stall', stallMs });
    },
  });
  const records = options.records ?? new Records({ defaultPort: options.advertise.port });
  const members = new Members(random);
  const roll = new Roll({ members, records, deadlines });
  const { name, advertise, tags } = options;
  const self = new Self({ name, advertise, meta: metaOf(tags), records });
  const broadcasts = new Broadcasts({
    multiplier: config.retransmitMultiplier,
    members: () => members.count,
    serfMembers: () => roll.count,
    entriesMax: config.queueMax,
    membersMax: config.membersMax,
    onNews,
  });
  const { packetBytesMax } = config;
  const outbox = new Outbox({
    send: options.send,
    random,
    keyring,
    label,
    packetBytesMax,
    broadcasts,
    counters,
  });
  const intruders = new Intruders({
    deadlines,
    counters,
    onReport: (report) => onEvent({ kind: 'intrusion', report }),
  });
  const acceptPlain = options.acceptPlain ?? false;
  const opening = () => ({ label, keys: keyring.keys, acceptPlain });
  const { streams } = options;
  const onRefused: Intruders['note'] = (from, reason) => intruders.note(from, reason);
  const exchanges = new Exchanges({ streams, outbox, opening, onRefused });
  const acks = new Acks(acksMax);
  return {
    config,
    deadlines,
    random,
    counters,
    records,
    members,
    roll,
    self,
    awareness,
    outbox,
    acks,
    exchanges,
    knock: options.knock,
    intruders,
    opening,
  };
}
