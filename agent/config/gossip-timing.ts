/** Consul's `gossip_lan`: single numbers that differ from those of the gossip profile. */
import { formatDuration, parseDuration } from '../../proto/duration.ts';
import { type GossipProfileName, gossipProfiles } from '../gossip/config.ts';
import type { GossipTiming } from './agent-config.ts';
import { type LocatedMap, placeOfValue, toPlain, valueAt } from './located.ts';
import type { Problems } from './problems.ts';

const block = 'gossip_lan';

const names = {
  gossip_nodes: 'gossipNodes',
  gossip_interval: 'gossipIntervalMs',
  probe_interval: 'probeIntervalMs',
  probe_timeout: 'probeTimeoutMs',
  suspicion_mult: 'suspicionMultiplier',
  retransmit_mult: 'retransmitMultiplier',
} as const satisfies Readonly<Record<string, keyof GossipTiming>>;

/** Only what is set: everything else is the profile's. The tree has passed the schema. */
export function gossipTiming(tree: LocatedMap): GossipTiming {
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const value = valueAt(tree, [block, key]);
      return value === undefined ? [] : [[name, toNumber(toPlain(value))]];
    }),
  );
}

/** What a key of the block is in a profile, as a file would say it; undefined for other keys. */
export function timingOfProfile(profile: GossipProfileName, key: string): string | number | undefined {
  if (!Object.hasOwn(names, key)) return undefined;
  const name = names[key as keyof typeof names];
  const value = gossipProfiles[profile][name];
  return name.endsWith('Ms') ? formatDuration(value) : value;
}

/** Others are asked between the timeout of a probe and its end, so there must be time between the two. */
export function checkGossipTiming(tree: LocatedMap, problems: Problems): void {
  const profile = toPlain(valueAt(tree, ['gossip_profile'])!) as GossipProfileName;
  const { probeIntervalMs, probeTimeoutMs } = { ...gossipProfiles[profile], ...gossipTiming(tree) };
  if (probeTimeoutMs < probeIntervalMs) return;
  const key = valueAt(tree, [block, 'probe_timeout']) === undefined ? 'probe_interval' : 'probe_timeout';
  problems.error(
    placeOfValue(tree, [block, key]),
    [block, key],
    `leaves a probe ${probeTimeoutMs} ms for an answer and ${probeIntervalMs} ms in all: the timeout must be shorter`,
  );
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  const parsed = parseDuration(String(value));
  return parsed.ok ? parsed.ms : Number.NaN;
}
