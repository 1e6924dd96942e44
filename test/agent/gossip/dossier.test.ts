import { expect, test } from 'vitest';
import { dossierOf } from '../../../agent/gossip/dossier.ts';
import { Suspicion } from '../../../agent/gossip/suspicion.ts';
import { wallStartMs } from '../../sim/clock.ts';
import { stage } from './stage.ts';

test('a verdict tells who accused, what was tried, who confirmed and how the judge itself was', () => {
  const { clock, meet, parts } = stage();
  const { number } = meet('web');
  const probe = {
    atMs: wallStartMs + 500,
    address: '10.0.0.2:8301',
    timeoutMs: 500,
    intervalMs: 1_000,
    helpers: [{ name: 'db', answer: 'nack' as const }],
    tcp: 'silence' as const,
    udp: 'unreachable' as const,
  };
  clock.runFor(1_000);
  const suspicion = new Suspicion({
    number,
    incarnation: 3,
    accuser: 'db',
    evidence: null,
    minMs: 4_000,
    maxMs: 24_000,
    confirmationsWanted: 2,
    config: parts.config,
    deadlines: parts.deadlines,
    random: parts.random,
    onTimeUp: () => {},
  });
  clock.runFor(1_500);
  suspicion.confirm('me', probe);
  clock.runFor(2_500);
  parts.awareness.onStall(80, 500, parts.deadlines.nowMs());
  const dossier = dossierOf(parts, { suspicion, reason: 'silence', evidence: probe });
  const story = {
    at: '2026-01-01T00:00:00.500Z',
    address: '10.0.0.2:8301',
    timeoutMs: 500,
    intervalMs: 1_000,
    helpers: [{ name: 'db', answer: 'nack' }],
    tcp: 'silence',
    udp: 'unreachable',
  };
  expect(dossier).toEqual({
    node: 'web',
    nodeId: 'id-of-web',
    incarnation: 3,
    judge: 'me',
    accuser: 'db',
    reason: 'silence',
    suspectedAt: '2026-01-01T00:00:01.000Z',
    verdictAt: '2026-01-01T00:00:05.000Z',
    suspicion: { minMs: 4_000, maxMs: 24_000, tookMs: 4_000, confirmationsWanted: 2 },
    confirmations: [{ from: 'me', afterMs: 1_500 }],
    firstProbe: story,
    lastProbe: story,
    localHealth: 1,
    loopLagMs: 80,
    members: 2,
  });
  // It travels into the event log as JSON.
  expect(JSON.parse(JSON.stringify(dossier))).toEqual(dossier);
});
