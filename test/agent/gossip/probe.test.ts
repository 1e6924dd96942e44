import { expect, test } from 'vitest';
import { Probe, type ProbeEffort, type ProbeResult } from '../../../agent/gossip/probe.ts';
import { type StageOptions, stage, suspectOf } from './stage.ts';

function probe(options: StageOptions & { effort?: ProbeEffort; helpers?: number; suspect?: boolean } = {}) {
  const scene = stage(options);
  const { parts, meet } = scene;
  const target = meet('target');
  const helpers = Array.from({ length: options.helpers ?? 3 }, (_, index) => meet(`helper ${index}`));
  if (options.suspect) parts.members.mark(target.number, 'suspect', 1, 0);
  const results: ProbeResult[] = [];
  const one = new Probe({
    parts,
    target,
    effort: options.effort ?? 'regular',
    onDone: (result) => results.push(result),
  });
  return { ...scene, target, helpers, results, one };
}

const seqNo = 1;

test('an ack ends it, and tells how long the way took', () => {
  const { clock, parts, results, take } = probe();
  expect(take('target')).toMatchObject([
    { type: 'ping', node: 'target', seqNo, sourceNode: 'me', sourcePort: 8301 },
  ]);
  clock.runFor(30);
  parts.acks.receiveAck(seqNo, Uint8Array.of(1));
  expect(results).toMatchObject([
    { answered: true, direct: { rttMs: 30, payload: Uint8Array.of(1) }, refusedBy: [] },
  ]);
  clock.runFor(5_000);
  expect(results).toHaveLength(1);
});

test('after a while TCP is tried, then others, and after a second it is silence', () => {
  const { asked, clock, results, take } = probe();
  clock.runFor(99);
  expect(asked).toEqual([]);
  clock.runFor(2);
  expect(asked).toMatchObject([{ to: 'target', question: { type: 'ping', seqNo }, timeoutMs: 900 }]);
  expect(take('helper 0')).toEqual([]);
  clock.runFor(400);
  expect(take('helper 0')).toMatchObject([
    { type: 'indirectPing', node: 'target', seqNo, nack: true, port: 8301 },
  ]);
  clock.runFor(400);
  expect(results).toEqual([]);
  clock.runFor(100);
  expect(results).toMatchObject([
    {
      answered: false,
      nacksExpected: 3,
      nacksReceived: 0,
      evidence: { timeoutMs: 500, intervalMs: 1_000, tcp: 'silence' },
    },
  ]);
  expect(results[0]?.evidence.helpers.map(({ answer }) => answer)).toEqual(['silence', 'silence', 'silence']);
});

test('an answer that came through others is one, but tells nothing about the way', () => {
  const { clock, parts, results } = probe();
  clock.runFor(700);
  parts.acks.receiveAck(seqNo, null);
  expect(results).toMatchObject([{ answered: true, direct: null }]);
});

test('nacks are counted for the helper that sent them', () => {
  const { clock, helpers, parts, results } = probe();
  clock.runFor(600);
  parts.acks.receiveNack(seqNo, helpers[1]!.endpoint);
  parts.acks.receiveNack(seqNo, { host: '192.0.2.1', port: 9 });
  clock.runFor(1_000);
  expect(results[0]).toMatchObject({ nacksExpected: 3, nacksReceived: 2 });
  const answers = new Map(results[0]?.evidence.helpers.map(({ name, answer }) => [name, answer]));
  expect(answers.get('helper 1')).toBe('nack');
});

test('a target that answers TCP only is alive behind a firewall', () => {
  const { asked, clock, parts, results } = probe();
  clock.runFor(150);
  asked[0]?.answer({ type: 'ackResp', seqNo, payload: null });
  clock.runFor(900);
  expect(results).toMatchObject([{ answered: true, direct: null, evidence: { tcp: 'answered' } }]);
  expect(parts.counters.get('probes_answered_by_tcp_only')).toBe(1);
});

test('a refusal makes us ask the others at once, and a second witness ends it', () => {
  const { asked, clock, parts, results, take } = probe();
  clock.runFor(101);
  asked[0]?.reader?.fail('refused');
  expect(take('helper 2')).toMatchObject([{ type: 'indirectPing' }]);
  expect(results).toEqual([]);
  parts.acks.receiveRefusal(seqNo, 'nobody we asked');
  expect(results).toEqual([]);
  parts.acks.receiveRefusal(seqNo, 'helper 2');
  expect(results).toMatchObject([
    { answered: false, refusedBy: ['me', 'helper 2'], refusedMs: 101, evidence: { tcp: 'refused' } },
  ]);
});

test.each([
  [100, 1],
  [0, 0],
])(
  'among many strangers one of our own kind is asked, which can say that it was refused (check after %i ms)',
  (refusalCheckMs, asked) => {
    const scene = stage({ config: { refusalCheckMs, indirectChecks: 2 } });
    const target = scene.meet('target');
    for (let number = 0; number < 40; number++) scene.meet(`stranger ${number}`);
    scene.meet('kin', { tags: { rc_gossip: '1' } });
    new Probe({ parts: scene.parts, target, effort: 'urgent', onDone: () => {} });
    expect(scene.take('kin')).toHaveLength(asked);
    expect(scene.sent.filter(({ messages }) => messages[0]?.type === 'indirectPing')).toHaveLength(2 - asked);
  },
);

test('one witness alone proves nothing', () => {
  const { asked, clock, results } = probe();
  clock.runFor(101);
  asked[0]?.reader?.fail('refused');
  clock.runFor(1_000);
  expect(results).toMatchObject([{ answered: false, refusedBy: ['me'] }]);
});

test('a closed UDP port makes us ask the others at once, and ends nothing before its time', () => {
  const { clock, knocked, parts, results, take } = probe();
  clock.runFor(101);
  expect(knocked).toMatchObject([{ to: 'target', forMs: 900, messages: [{ type: 'ping', sourceNode: '' }] }]);
  knocked[0]!.echo('unreachable');
  expect(take('helper 2')).toMatchObject([{ type: 'indirectPing' }]);
  parts.acks.receiveRefusal(seqNo, 'helper 2');
  clock.runFor(890);
  expect(results).toEqual([]);
  clock.runFor(10);
  expect(results).toMatchObject([
    { answered: false, refusedBy: ['me', 'helper 2'], evidence: { tcp: 'silence', udp: 'unreachable' } },
  ]);
});

test('the ack to a knock is an answer that tells nothing about the way', () => {
  const { clock, knocked, parts, results } = probe();
  clock.runFor(101);
  const [message] = knocked[0]!.messages;
  parts.acks.receiveAck(message?.type === 'ping' ? message.seqNo : 0, null);
  expect(results).toMatchObject([{ answered: true, direct: null, refusedBy: [] }]);
  clock.runFor(2_000);
  expect(results).toHaveLength(1);
});

test('refusals can be left out of account', () => {
  const { asked, clock, knocked, parts, results, take } = probe({ config: { refusalCheckMs: 0 } });
  clock.runFor(499);
  expect(asked).toEqual([]);
  clock.runFor(2);
  asked[0]?.reader?.fail('refused');
  expect(take('helper 0')).toHaveLength(1);
  for (const helper of ['helper 0', 'helper 1']) parts.acks.receiveRefusal(seqNo, helper);
  expect(results).toEqual([]);
  clock.runFor(1_000);
  expect(results).toMatchObject([{ answered: false, refusedBy: [], evidence: { tcp: 'refused' } }]);
  expect(knocked).toEqual([]);
});

test('a prober that feels ill waits longer before it says anything', () => {
  const { clock, one, parts, results } = probe();
  one.stop();
  parts.awareness.onRefuted();
  parts.awareness.onRefuted();
  const target = parts.members.record(parts.records.numberOf('target')!);
  new Probe({ parts, target, effort: 'regular', onDone: (result) => results.push(result) });
  clock.runFor(2_900);
  expect(results).toEqual([]);
  clock.runFor(200);
  expect(results).toMatchObject([{ evidence: { intervalMs: 3_000 } }]);
});

// Lifeguard's buddy system.
test('a suspect hears of the suspicion with the very ping', () => {
  const { take } = probe({ suspect: true });
  expect(take('target')).toMatchObject([{ type: 'ping' }, suspectOf('target', 'me')]);
});

test('it can be left out', () => {
  const { take } = probe({ suspect: true, config: { tellSuspects: false } });
  expect(take('target')).toMatchObject([{ type: 'ping' }]);
});

test('an urgent probe asks over every path at once', () => {
  const { asked, clock, knocked, results, take } = probe({ effort: 'urgent' });
  expect(take('target')).toHaveLength(1);
  expect(take('helper 1')).toHaveLength(1);
  expect(asked).toHaveLength(1);
  expect(knocked).toHaveLength(1);
  clock.runFor(501);
  expect(results).toMatchObject([{ answered: false, evidence: { intervalMs: 500 } }]);
});

test('a brief one troubles nobody else', () => {
  const { asked, take } = probe({ effort: 'brief' });
  expect(take('target')).toHaveLength(1);
  expect(take('helper 1')).toEqual([]);
  expect(asked).toHaveLength(1);
});

test('a stopped probe says nothing', () => {
  const { clock, one, parts, results } = probe();
  one.stop();
  clock.runFor(5_000);
  expect(parts.acks.receiveAck(seqNo, null)).toBe(false);
  expect(results).toEqual([]);
});
