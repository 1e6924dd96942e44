import { expect, test } from 'vitest';
import { decodeFilter, encodeFilter } from '../../../proto/gossip/serf-filter.ts';
import { fromHex } from './golden.ts';

test('both kinds come back as they went', () => {
  const nodes = { kind: 'nodes', nodes: ['web-3', 'web-4'] } as const;
  const tag = { kind: 'tag', tag: 'role', expression: 'd.*' } as const;
  expect(decodeFilter(encodeFilter(nodes))).toEqual(nodes);
  expect(decodeFilter(encodeFilter(tag))).toEqual(tag);
});

test('what nobody can read is no filter, and by Serf then matches nobody', () => {
  for (const hex of ['', '00', '02c0', '0005', '0181a445787072c4'])
    expect(decodeFilter(fromHex(hex))).toBeUndefined();
});
