import { expect, test } from 'vitest';
import { findIncompatible } from '../../../agent/gossip/versions.ts';
import type { NodeStateName, PushNodeState } from '../../../proto/gossip/messages.ts';
import { aliveOf, stage } from './stage.ts';

function node(name: string, vsn: readonly number[], state: NodeStateName = 'alive'): PushNodeState {
  const { addr, port, meta } = aliveOf(name);
  return { name, addr, port, meta, vsn: Uint8Array.from(vsn), incarnation: 1, state };
}

const { parts } = stage();

test.each([
  ['Serf 0.9', [1, 5, 2, 2, 5, 5]],
  ['Consul 1.8', [1, 5, 2, 2, 5, 4]],
  ['Serf 0.8.0', [1, 4, 2, 2, 4, 4]],
])('%s speaks to us', (_, vsn) => {
  expect(findIncompatible(parts.members, [node('web', vsn), node('me', [1, 5, 2, 2, 5, 4])])).toBe(
    // We speak Serf protocol 5 ourselves, which is more than the oldest understands.
    vsn[4] === 4 ? 'me' : undefined,
  );
});

// Gossip-wire 8: one odd member refuses the whole merge.
test.each([
  ['without a version', []],
  ['with a narrow range', [1, 5, 2, 0, 0, 0]],
  ['that speaks what nobody understands', [1, 5, 5, 2, 5, 9]],
])('a member %s is found', (_, vsn) => {
  expect(findIncompatible(parts.members, [node('fine', [1, 5, 2, 2, 5, 4]), node('odd', vsn)])).toBeDefined();
});

test('the dead narrow nothing, but have to be understood', () => {
  expect(findIncompatible(parts.members, [node('old', [1, 1, 1, 2, 2, 2], 'dead')])).toBeUndefined();
  expect(findIncompatible(parts.members, [node('old', [1, 9, 9, 2, 5, 5], 'left')])).toBe('old');
});
