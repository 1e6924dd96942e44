import { expect, test } from 'vitest';
import { formatDossier } from '../../../agent/cli/dossier-text.ts';

const look = {
  at: '2026-11-22T03:12:00.000Z',
  address: '10.0.0.2:8301',
  timeoutMs: 100,
  intervalMs: 1_000,
  helpers: [{ name: 'web-3', answer: 'refused' }],
  tcp: 'refused',
};

const dossier = {
  node: 'web-2',
  nodeId: 'id',
  incarnation: 3,
  judge: 'web-1',
  accuser: 'web-1',
  reason: 'refused',
  suspectedAt: '2026-11-22T03:12:01.000Z',
  verdictAt: '2026-11-22T03:12:01.200Z',
  suspicion: { minMs: 4_000, maxMs: 4_000, tookMs: 200, confirmationsWanted: 2 },
  confirmations: [],
  firstProbe: look,
  lastProbe: look,
  localHealth: 2,
  loopLagMs: 0.4,
  members: 3,
};

test('a quick verdict has one look, and the judge says how it was itself', () => {
  expect(formatDossier(dossier).split('\n')).toEqual([
    '  2026-11-22T03:12:00.000Z  web-1 asked 10.0.0.2:8301 and had no answer within 100 ms.',
    '  Asked to try as well: web-3 (was told that nobody is there).',
    '  A TCP ping: refused.',
    '  2026-11-22T03:12:01.000Z  It was suspected, with 4s to object.',
    '  Nobody else confirmed it.',
    '  2026-11-22T03:12:01.200Z  After 200ms web-1 declared it failed: its host said that the process is gone.',
    '  web-1 was not well itself (local health 2, 0 is good); its longest stall was 0s. It knew 3 members.',
    '',
  ]);
});

test('a judge who did not make the first probe tells of its own last one', () => {
  const text = formatDossier({ ...dossier, accuser: 'web-4', firstProbe: null });
  expect(text).toContain('The probe that began it was made by web-4, and not seen here.');
  expect(text).toContain('web-1 asked 10.0.0.2:8301 and had no answer');
});
