import { expect, test } from 'vitest';
import { formatDossier } from '../../../agent/cli/dossier-text.ts';
import { verdictDossier } from '../../../agent/gossip/dossier.ts';

test('what the gossip core writes can be told, with a refusal and a judge who was not well', () => {
  const text = formatDossier(
    verdictDossier({
      node: 'web-2',
      nodeId: 'id',
      incarnation: 3,
      judge: 'web-1',
      accuser: 'web-1',
      reason: 'refused',
      suspectedAtMs: 1_000,
      verdictAtMs: 1_200,
      minMs: 4_000,
      maxMs: 4_000,
      confirmationsWanted: 2,
      confirmations: [],
      probe: null,
      fitness: { localHealth: 2, loopLagMs: 0.4 },
      members: 3,
    }),
  );
  expect(text.split('\n')).toEqual([
    '  The probe that began it was made by web-1, and not seen here.',
    '  1970-01-01T00:00:01.000Z  It was suspected, with 4s to object.',
    '  Nobody else confirmed it.',
    '  1970-01-01T00:00:01.200Z  After 200ms web-1 declared it failed: its host said that the process is gone.',
    '  web-1 was not well itself (local health 2, 0 is good); its longest stall was 0s. It knew 3 members.',
    '',
  ]);
});
