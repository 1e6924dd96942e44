import { expect, test } from 'vitest';
import { Refusal } from '../../../agent/gossip/refusal.ts';
import type { Ping } from '../../../proto/gossip/messages.ts';
import { type StageOptions, stage } from './stage.ts';

function ask(options: StageOptions = {}) {
  const scene = stage(options);
  const { parts, meet } = scene;
  const target = meet('target').endpoint;
  const { addr: sourceAddr, port: sourcePort, name: sourceNode } = parts.self.record;
  const ping: Ping = { type: 'ping', seqNo: 70, node: 'target', sourceAddr, sourcePort, sourceNode };
  const heard: string[] = [];
  const reports = { onWord: () => heard.push('word'), onAck: () => heard.push('ack') };
  const refusal = new Refusal(parts, { target, ping, reports });
  refusal.askByStream(900);
  refusal.knock(400);
  const [stream] = scene.asked;
  const [knock] = scene.knocked;
  return { ...scene, heard, refusal, stream: stream!, knock: knock! };
}

test('a refused connection is a word that counts', () => {
  const { heard, refusal, stream } = ask();
  expect(refusal.refused).toBe(false);
  stream.reader!.fail('refused');
  expect([heard, refusal.tcp, refusal.refused]).toEqual([['word'], 'refused', true]);
});

test('a closed UDP port is one as long as nothing contradicts it', () => {
  const { heard, knock, refusal, stream } = ask();
  knock.echo('unreachable');
  expect([heard, refusal.udp, refusal.refused]).toEqual([['word'], 'unreachable', true]);
  // A process that is stopped, or one behind a forger, still has its TCP port.
  stream.reader!.open!();
  expect([refusal.tcp, refusal.refused]).toEqual(['mute', false]);
});

test('what is known to be forged does not count, and is counted', () => {
  const { knock, parts, refusal } = ask();
  knock.echo('unreachable');
  knock.echo('forged');
  expect([refusal.udp, refusal.refused]).toEqual(['forged', false]);
  expect(parts.counters.get('knocks_forged')).toBe(1);
});

test('an answer over TCP outweighs a closed UDP port', () => {
  const { knock, refusal, stream } = ask();
  knock.echo('unreachable');
  stream.answer({ type: 'ackResp', seqNo: 70, payload: null });
  expect([refusal.tcp, refusal.refused]).toEqual(['answered', false]);
});

test('the knock asks for an ack at our usual port, under a number of its own and without our name', () => {
  const { heard, knock, parts } = ask();
  expect(knock).toMatchObject({
    to: 'target',
    forMs: 400,
    messages: [{ type: 'ping', seqNo: 1, node: 'target', sourcePort: 8301, sourceNode: '' }],
  });
  parts.acks.receiveAck(1, null);
  expect(heard).toEqual(['ack']);
});

test('each way is tried once, and nothing is heard after the end', () => {
  const { asked, heard, knock, knocked, parts, refusal, stream } = ask();
  refusal.askByStream(900);
  refusal.knock(400);
  expect([asked.length, knocked.length]).toEqual([1, 1]);
  refusal.stop();
  knock.echo('unreachable');
  stream.reader!.fail('refused');
  expect(parts.acks.receiveAck(1, null)).toBe(false);
  expect([heard, refusal.tcp, refusal.udp]).toEqual([[], 'silence', 'silence']);
});

test('switched off, nobody knocks, and what TCP says is no word', () => {
  const { heard, knocked, refusal, stream } = ask({ config: { refusalCheckMs: 0 } });
  stream.reader!.fail('refused');
  expect([knocked, heard, refusal.tcp, refusal.udp]).toEqual([[], [], 'refused', 'not tried']);
});
