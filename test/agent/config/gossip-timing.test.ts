import { expect, test } from 'vitest';
import { defaultLayer } from '../../../agent/config/defaults.ts';
import { checkGossipTiming, gossipTiming } from '../../../agent/config/gossip-timing.ts';
import { fromPlain, type LocatedMap } from '../../../agent/config/located.ts';
import { mergeLayers } from '../../../agent/config/merge.ts';
import { Problems } from '../../../agent/config/problems.ts';

function treeOf(value: object): LocatedMap {
  const layer = fromPlain(value, { file: 'f', line: 1, column: 1 }) as LocatedMap;
  return mergeLayers([defaultLayer(), layer]);
}

function complaints(value: object): readonly string[] {
  const problems = new Problems();
  checkGossipTiming(treeOf(value), problems);
  return problems.sorted(['f']).map(({ message }) => message);
}

test('what is set goes into the profile under the names of gossip, nothing else does', () => {
  expect(gossipTiming(treeOf({}))).toEqual({});
  const block = {
    gossip_nodes: 4,
    gossip_interval: '100ms',
    probe_interval: '2s',
    probe_timeout: '750ms',
    suspicion_mult: 5,
    retransmit_mult: 3,
  };
  expect(gossipTiming(treeOf({ gossip_lan: block }))).toEqual({
    gossipNodes: 4,
    gossipIntervalMs: 100,
    probeIntervalMs: 2_000,
    probeTimeoutMs: 750,
    suspicionMultiplier: 5,
    retransmitMultiplier: 3,
  });
});

test("a probe needs time between its timeout and its end, whichever of the two is the profile's", () => {
  expect(complaints({ gossip_lan: { probe_interval: '600ms' } })).toEqual([]);
  expect(complaints({ gossip_lan: { probe_interval: '500ms' } })).toEqual([
    'leaves a probe 500 ms for an answer and 500 ms in all: the timeout must be shorter',
  ]);
  expect(complaints({ gossip_profile: 'local', gossip_lan: { probe_interval: '500ms' } })).toEqual([]);
  expect(complaints({ gossip_lan: { probe_timeout: '2s' } })).toHaveLength(1);
});
