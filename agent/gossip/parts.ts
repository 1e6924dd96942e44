/** What the parts of one core have in common. Made once by `gossip.ts`; each part takes what it needs from it. */
import type { Random } from '../../proto/ports.ts';
import type { Awareness } from './awareness.ts';
import type { GossipConfig } from './config.ts';
import type { Counters } from './counters.ts';
import type { Deadlines } from './deadlines.ts';
import type { Members } from './members.ts';
import type { Outbox } from './outbox.ts';
import type { Records } from './records.ts';
import type { Self } from './self.ts';

export interface Parts {
  readonly config: GossipConfig;
  readonly deadlines: Deadlines;
  readonly random: Random;
  readonly counters: Counters;
  readonly records: Records;
  readonly members: Members;
  readonly self: Self;
  readonly awareness: Awareness;
  readonly outbox: Outbox;
}
