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
    '  2026-11-22T03:12:00.000Z  web-1 asked 10.0.0.2:8301: no answer, and over TCP nobody listens there.',
    '  Asked to try as well: web-3 (was told that nobody is there).',
    '  2026-11-22T03:12:01.000Z  web-1 suspected it; it had 4s to object.',
    '  Nobody else confirmed it.',
    '  2026-11-22T03:12:01.200Z  After 200ms web-1 declared it failed: its host said that the process is gone.',
    '  web-1 was not well itself (local health 2, 0 is good); its longest stall was 0s. It knew 3 members.',
    '',
  ]);
});

test.each([
  [{}, ['no answer, and over TCP nobody listens there.']],
  [{ udp: 'unreachable' }, ['no answer, and over TCP and UDP nobody listens there.']],
  [
    { tcp: 'silence', udp: 'unreachable' },
    ['no answer, and over UDP nobody listens there.', 'A TCP ping: silence.'],
  ],
  [
    { tcp: 'mute', udp: 'forged' },
    [
      'and had no answer within 100 ms.',
      'A TCP ping: the connection was taken, and then silence.',
      'Somebody forged answers to a UDP ping.',
    ],
  ],
])('what the host says is told in words: %j', (answers, expected) => {
  const lastProbe = { ...look, helpers: [], ...answers };
  const [first, ...more] = formatDossier({ ...dossier, firstProbe: null, lastProbe }).split('\n');
  expect(
    [first, ...more.slice(0, expected.length - 1)].map((line) => line!.replace(/^.*:8301:? /, '').trim()),
  ).toEqual(expected);
});

test('a judge who was not the accuser tells of its own looks, in the order in which all of it happened', () => {
  const late = { ...look, at: '2026-11-22T03:12:01.100Z', helpers: [], tcp: 'not tried' };
  const times = (firstProbe: object | null) =>
    formatDossier({ ...dossier, accuser: 'web-4', firstProbe, lastProbe: late })
      .split('\n')
      .filter((line) => /^ {2}2026/.test(line))
      .map((line) => line.slice(18).split(/ +/).slice(0, 3).join(' '));
  expect(times(null)).toEqual([':01.000Z web-4 suspected', ':01.100Z web-1 asked', ':01.200Z After 200ms']);
  const own = { ...look, at: '2026-11-22T03:12:01.050Z' };
  expect(times(own)).toEqual([
    ':01.000Z web-4 suspected',
    ':01.050Z web-1 asked',
    ':01.100Z web-1 asked',
    ':01.200Z After 200ms',
  ]);
});
