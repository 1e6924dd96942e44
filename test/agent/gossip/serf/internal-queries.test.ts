import { expect, test } from 'vitest';
import type { GossipConfig } from '../../../../agent/gossip/config.ts';
import { InternalQueries, keyQueryName } from '../../../../agent/gossip/serf/internal-queries.ts';
import type { SerfMessage, SerfQuery } from '../../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../../proto/gossip/serf.ts';
import { stage } from '../stage.ts';

const key = (fill: number) => new Uint8Array(16).fill(fill);
const base64 = (fill: number) => Buffer.from(key(fill)).toString('base64');

function make(keys: readonly Uint8Array[], config: Partial<GossipConfig> = {}) {
  const scene = stage({ keys, config });
  const { keyring, parts } = scene;
  let changes = 0;
  const internal = new InternalQueries({
    parts,
    roll: parts.roll,
    keyring,
    onKeysChanged: () => {
      changes += 1;
    },
  });
  const ask = (name: string, payload: Uint8Array | null): SerfMessage | undefined => {
    let answer: SerfMessage | undefined;
    const query = { name, payload } as SerfQuery;
    internal.answer(query, (bytes) => {
      answer = decodeSerf(bytes).message;
    });
    return answer;
  };
  const askKeys = (operation: 'install' | 'use' | 'remove' | 'list', raw: Uint8Array) =>
    ask(keyQueryName(operation), encodeSerf({ type: 'serf.keyRequest', key: raw }));
  return { ...scene, ask, askKeys, changes: () => changes };
}

test('who bears a name is told to whoever asks, except by the one who bears it', () => {
  const { ask, meet, parts } = make([]);
  const web = meet('web', { tags: { role: 'web' } });
  parts.roll.setStatus(web.number, 'failed');
  expect(ask('_serf_conflict', Buffer.from('web'))).toMatchObject({
    member: {
      name: 'web',
      addr: web.addr,
      port: 8301,
      status: 4,
      protocolMax: 5,
      delegateCur: 5,
      tags: new Map([['role', 'web']]),
    },
  });
  expect(ask('_serf_conflict', Buffer.from('nobody'))).toEqual({
    type: 'serf.conflictResponse',
    member: null,
  });
  expect(ask('_serf_conflict', Buffer.from('me'))).toBeUndefined();
  expect(ask('_serf_ping', null)).toBeUndefined();
});

test('keys are installed, used and removed, and each change is told', () => {
  const { askKeys, changes, keyring } = make([key(1)]);
  const fine = { type: 'serf.keyResponse', result: true, message: '', keys: null, primaryKey: '' };
  expect(askKeys('install', key(2))).toEqual(fine);
  expect(askKeys('use', key(2))).toEqual(fine);
  expect(askKeys('list', new Uint8Array(0))).toEqual({
    ...fine,
    keys: [base64(2), base64(1)],
    primaryKey: base64(2),
  });
  expect(askKeys('remove', key(1))).toEqual(fine);
  expect(changes()).toBe(3);
  expect(keyring.keys).toEqual([key(2)]);
});

test('what cannot be done is answered with the reason', () => {
  const { askKeys, ask, changes } = make([key(1)]);
  expect(askKeys('remove', key(1))).toMatchObject({
    result: false,
    message: expect.stringContaining('primary'),
  });
  expect(askKeys('use', key(9))).toMatchObject({ result: false });
  expect(askKeys('install', new Uint8Array(5))).toMatchObject({ result: false });
  expect(ask(keyQueryName('install'), null)).toBeUndefined();
  expect(changes()).toBe(0);
  expect(make([]).askKeys('list', new Uint8Array(0))).toMatchObject({ result: false });
});

test('a list that is too long says how much of it is shown', () => {
  const many = Array.from({ length: 16 }, (_, index) => new Uint8Array(32).fill(index));
  const { askKeys } = make(many, { queryResponseBytesMax: 400 });
  const answer = askKeys('list', new Uint8Array(0));
  const shown = answer?.type === 'serf.keyResponse' ? (answer.keys?.length ?? 0) : 0;
  expect(shown).toBeGreaterThan(1);
  expect(shown).toBeLessThan(16);
  expect(answer).toMatchObject({ result: true, message: `only ${shown} of 16 keys fit into the answer` });
});
