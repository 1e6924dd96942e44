/**
 * What a cluster costs when nothing happens: bytes that each node sends in a second, datagrams (probes, acks, gossip) apart
 * from streams (in a quiet cluster these are push/pulls and nothing else).
 */
import { GossipCluster } from './gossip-cluster.ts';

export interface QuietLoadOptions {
  readonly seed: string | number;
  readonly members: number;
  /** False: as among stock agents, whose push/pulls carry the whole table. */
  readonly kin: boolean;
  /** Virtual time that is measured. */
  readonly forMs: number;
}

/** Bytes per node and virtual second. */
export interface QuietLoad {
  readonly datagrams: number;
  readonly streams: number;
}

/** By then everybody has announced itself often enough. */
const settledMs = 10_000;

export function quietLoad({ seed, members, kin, forMs }: QuietLoadOptions): QuietLoad {
  const cluster = new GossipCluster({ seed, kin });
  cluster.settle(members);
  cluster.runFor(settledMs);
  const before = { ...cluster.network.counters };
  cluster.runFor(forMs);
  const after = cluster.network.counters;
  const perNodeSecond = (bytes: number) => bytes / members / (forMs / 1_000);
  return {
    datagrams: perNodeSecond(after.packetBytes - before.packetBytes),
    streams: perNodeSecond(after.exchangeBytes - before.exchangeBytes),
  };
}
