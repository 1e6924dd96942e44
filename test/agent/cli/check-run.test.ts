import { expect, test } from 'vitest';
import { ask } from './stage.ts';

const ran = {
  CheckID: 'disk /srv',
  Result: 'critical',
  Output: 'DISK CRITICAL\n\u001b[2J3% free\n',
  DurationMs: 41,
  Metrics: [{ Name: '/srv', Value: 97.1234, Unit: '%' }],
  Details: { exitCode: 2, signal: null },
  From: 'passing',
  Status: 'critical',
  RollcallStatus: 'critical',
};

test('the result, what was printed, and what became of the status', async () => {
  const { code, out } = await ask({ 'PUT /v1/agent/check/run/disk%20%2Fsrv': { body: ran } }, [
    ...['check', 'run', 'disk /srv'],
  ]);
  expect(code).toBe(1);
  expect(out).toBe(
    [
      'disk /srv: critical after 41 ms',
      '  | DISK CRITICAL',
      '  | \u{fffd}[2J3% free',
      '  /srv = 97.123%',
      '  exitCode: 2',
      '  signal: null',
      '  The status moves from passing to critical.',
      '',
    ].join('\n'),
  );
});

test('for programs as it came, and exit code 0 when it was passing', async () => {
  const body = { ...ran, Result: 'passing', RollcallStatus: 'passing' };
  const { code, out } = await ask({ 'PUT /v1/agent/check/run/x': { body } }, [
    ...['check', 'run', 'x', '--format', 'json'],
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual(body);
});

test('a check that the agent does not have is one clear line', async () => {
  const answers = { 'PUT /v1/agent/check/run/x': { status: 404, body: 'Unknown check ID "x".' } };
  const { code, error } = await ask(answers, ['check', 'run', 'x']);
  expect([code, error]).toEqual([1, 'rollcall: Unknown check ID "x".\n']);
});
