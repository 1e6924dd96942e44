import { expect, test } from 'vitest';
import { gossipProfiles } from '../../../agent/gossip/config.ts';
import { Keyring } from '../../../agent/gossip/keyring.ts';
import type { GossipEvent } from '../../../agent/gossip/options.ts';
import { makeParts } from '../../../agent/gossip/parts.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { VirtualProcess } from '../../sim/process.ts';
import { SeededRandom } from '../../sim/random.ts';
import { stage } from './stage.ts';

test('a stop of our own process is counted, reported and held against ourselves', () => {
  const world = new VirtualClock();
  const process = new VirtualProcess(world);
  const events: GossipEvent[] = [];
  const parts = makeParts(
    {
      name: 'me',
      advertise: { host: '10.0.0.1', port: 8301 },
      tags: {},
      config: gossipProfiles.lan,
      label: '',
      keyring: new Keyring([]),
      clock: process,
      random: new SeededRandom(1),
      send: () => {},
      streams: { exchange: () => {} },
      knock: () => {},
      onEvent: (event) => events.push(event),
    },
    () => {},
  );
  parts.deadlines.after(100, () => {});
  process.pause();
  world.runFor(1_200);
  process.resume();
  world.runFor(1);
  expect(events).toEqual([{ kind: 'stall', stallMs: 1_100 }]);
  expect(parts.counters.get('stalls')).toBe(1);
  expect(parts.awareness.score).toBe(3);
});

test('what opens packets follows the keyring', () => {
  const { keyring, parts } = stage({ keys: [new Uint8Array(16).fill(1)], label: 'blue' });
  keyring.add(new Uint8Array(16).fill(2));
  expect(parts.opening().keys).toHaveLength(2);
  expect(Buffer.from(parts.opening().label).toString()).toBe('blue');
});
