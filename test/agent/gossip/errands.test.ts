import { expect, test } from 'vitest';
import { Errands, sourceOf } from '../../../agent/gossip/errands.ts';
import { Kin } from '../../../agent/gossip/kin.ts';
import { decodeKin } from '../../../proto/gossip/kin.ts';
import type { IndirectPing } from '../../../proto/gossip/messages.ts';
import { stage } from './stage.ts';

const nothing = new Uint8Array(0);

function make(asker: { kin: boolean } = { kin: false }) {
  const scene = stage();
  const { meet, parts } = scene;
  const kin = new Kin(parts);
  const errands = new Errands({ parts, kin, ownPort: 8301 });
  const from = meet('asker', { tags: asker.kin ? { rc_gossip: '1' } : {} });
  const target = meet('target');
  const request: IndirectPing = {
    type: 'indirectPing',
    seqNo: 77,
    node: 'target',
    target: target.addr,
    port: target.port,
    nack: true,
    sourceAddr: from.addr,
    sourcePort: from.port,
    sourceNode: 'asker',
  };
  return { ...scene, errands, request, elsewhere: { host: '192.0.2.9', port: 1 } };
}

test('an ack is passed on under the number of whoever asked', () => {
  const { clock, errands, elsewhere, parts, request, take } = make();
  errands.run(request, elsewhere);
  expect(take('target')).toMatchObject([{ type: 'ping', node: 'target', seqNo: 1, sourceNode: 'me' }]);
  parts.acks.receiveAck(1, Uint8Array.of(1));
  expect(take('asker')).toEqual([{ type: 'ackResp', seqNo: 77, payload: null }]);
  clock.runFor(2_000);
  expect(take('asker')).toEqual([]);
});

test('silence is told to those who want to know', () => {
  const { clock, errands, elsewhere, request, take } = make();
  errands.run(request, elsewhere);
  errands.run({ ...request, seqNo: 78, nack: false }, elsewhere);
  clock.runFor(600);
  expect(take('asker')).toEqual([{ type: 'nackResp', seqNo: 77 }]);
});

test('one of our own kind also learns that the host refused us', () => {
  const { asked, clock, errands, elsewhere, request, take } = make({ kin: true });
  errands.run(request, elsewhere);
  clock.runFor(101);
  asked[0]?.reader?.fail('refused');
  const [message] = take('asker');
  expect(message?.type).toBe('user');
  const payload = message?.type === 'user' ? message.payload : nothing;
  expect(decodeKin(payload).message).toEqual({ type: 'kin.refused', seqNo: 77, from: 'me' });
});

test('what ICMP says is passed on after a while without an ack, once, and not when there is one', () => {
  const { asked, clock, errands, elsewhere, knocked, parts, request, take } = make({ kin: true });
  errands.run(request, elsewhere);
  clock.runFor(101);
  knocked[0]!.echo('unreachable');
  clock.runFor(190);
  expect(take('asker')).toEqual([]);
  clock.runFor(20);
  asked[0]?.reader?.fail('refused');
  expect(take('asker').map(({ type }) => type)).toEqual(['user']);
  errands.run({ ...request, seqNo: 78 }, elsewhere);
  const ping = take('target').at(-1);
  clock.runFor(101);
  knocked[1]!.echo('unreachable');
  parts.acks.receiveAck(ping?.type === 'ping' ? ping.seqNo : 0, null);
  clock.runFor(1_000);
  asked[1]?.reader?.fail('refused');
  expect(take('asker').filter(({ type }) => type !== 'nackResp')).toEqual([
    { type: 'ackResp', seqNo: 78, payload: null },
  ]);
});

test('strangers are not told what they would not understand', () => {
  const { asked, clock, errands, elsewhere, knocked, request } = make();
  errands.run(request, elsewhere);
  clock.runFor(400);
  expect([asked, knocked]).toEqual([[], []]);
});

test('a target without a port listens where we do, one without an address is refused', () => {
  const { errands, elsewhere, parts, request, sent } = make();
  errands.run({ ...request, port: 0, target: Uint8Array.of(10, 9, 9, 9) }, elsewhere);
  expect(sent[0]?.to).toBe('10.9.9.9:8301');
  errands.run({ ...request, target: new Uint8Array(7) }, elsewhere);
  expect(parts.counters.get('errands_refused')).toBe(1);
});

test('answers go where the asker says, or back where its packet came from', () => {
  const { elsewhere, request } = make();
  expect(sourceOf(request, elsewhere).port).toBe(8301);
  expect(sourceOf({ ...request, sourcePort: 0 }, elsewhere)).toBe(elsewhere);
  expect(sourceOf({ ...request, sourceAddr: nothing }, elsewhere)).toBe(elsewhere);
  expect(sourceOf({ ...request, sourceAddr: new Uint8Array(9) }, elsewhere)).toBe(elsewhere);
});
