import { expect, test } from 'vitest';
import { Beliefs } from '../../../agent/gossip/beliefs.ts';
import { OwnWord } from '../../../agent/gossip/own-word.ts';
import { Serf } from '../../../agent/gossip/serf/serf.ts';
import { Table } from '../../../agent/gossip/table.ts';
import { decodeSerf } from '../../../proto/gossip/serf.ts';
import { stage } from './stage.ts';

function make() {
  const scene = stage();
  const { keyring, parts } = scene;
  const ignore = () => {};
  const serf = new Serf({
    parts,
    keyring,
    reports: {
      onChange: ignore,
      onUserEvent: ignore,
      onQuery: ignore,
      onKeysChanged: ignore,
      reconnect: ignore,
    },
  });
  const ownWord = new OwnWord(parts, { onSelf: ignore, onConflict: ignore });
  const beliefs = new Beliefs({
    parts,
    ownWord,
    reports: {
      onFull: ignore,
      onAlive: (number) => serf.onAlive(number),
      onUpdated: ignore,
      onSuspicion: ignore,
      onTimeUp: ignore,
      onGone: ignore,
      onConflict: ignore,
    },
  });
  return { ...scene, serf, table: new Table({ parts, beliefs, serf }) };
}

test('our table lists everybody with how we believe them to be, ourselves included', () => {
  const { meet, parts, table } = make();
  meet('web', { incarnation: 4 });
  parts.members.mark(meet('db').number, 'dead', 2, 0);
  const { join, nodes, userState } = table.own(true);
  expect(join).toBe(true);
  const listed = nodes.map(({ name, state, incarnation }) => `${name} ${state} ${incarnation}`);
  expect(listed.sort()).toEqual(['db dead 2', 'me alive 1', 'web alive 4']);
  const state = decodeSerf(userState).message;
  expect(state?.type === 'serf.pushPull' && [...state.statusLtimes.keys()].sort()).toEqual([
    'db',
    'me',
    'web',
  ]);
});

test('a part of it lists only whom it is asked for', () => {
  const { meet, table } = make();
  meet('web');
  meet('db');
  const part = table.own(false, { includes: ({ name }) => name === 'db', events: false });
  expect(part.nodes.map(({ name }) => name)).toEqual(['db']);
});

test('what comes in is taken over as a whole or not at all', () => {
  const { meet: meetHere, parts, table } = make();
  meetHere('web');
  const other = make();
  other.meet('db');
  const message = other.table.own(false);
  expect(table.merge(message, message.nodes, false)).toBeNull();
  expect(parts.members.belief(parts.records.numberOf('db')!)).toBe('alive');

  const odd = {
    ...message,
    nodes: [{ ...message.nodes[0]!, name: 'odd', vsn: new Uint8Array(0) }, ...message.nodes],
  };
  expect(table.merge(odd, odd.nodes, false)).toContain('"odd" speaks a protocol version');
  expect(parts.counters.get('push_pulls_incompatible')).toBe(1);
});

test('a state that is no Serf state costs nothing but a counter', () => {
  const { parts, table } = make();
  table.merge({ type: 'pushPull', join: false, nodes: [], userState: Uint8Array.of(9, 9) }, [], false);
  table.merge({ type: 'pushPull', join: false, nodes: [], userState: new Uint8Array(0) }, [], false);
  expect(parts.counters.get('serf_states_refused')).toBe(1);
});
