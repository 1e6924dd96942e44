import { expect, test } from 'vitest';
import { makeLogger } from '../../agent/logger.ts';

function written(logJson: boolean) {
  const lines: string[] = [];
  const logger = makeLogger(
    { logLevel: 'info', logJson, nodeName: 'web-1' },
    (line) => void lines.push(line),
  );
  return { lines, logger };
}

test('a line for people: time, level, text, then what belongs to it', () => {
  const { lines, logger } = written(false);
  logger.warn('cannot join', { address: 'a:1', tries: 3 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn cannot join address="a:1" tries=3\n$/);
});

test('a line for programs is one JSON object', () => {
  const { lines, logger } = written(true);
  logger.info('joined', { member: 'web-2' });
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'info',
    node: 'web-1',
    msg: 'joined',
    member: 'web-2',
  });
});

test('what strangers send cannot forge a line or move the cursor', () => {
  const { lines, logger } = written(false);
  logger.warn('name \u001b[2Jtaken\n2026-01-01 info all is well');
  expect(lines[0]!.match(/\n/g)).toHaveLength(1);
  expect(lines[0]).not.toContain('\u001b');
});

test('the level can be changed while it runs', () => {
  const { lines, logger } = written(false);
  logger.debug('not yet');
  logger.setLevel('debug');
  logger.debug('now');
  logger.setLevel('error');
  logger.warn('no more');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('debug now');
});
