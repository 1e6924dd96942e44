import { expect, test } from 'vitest';
import { Intruders, type IntrusionReport } from '../../../agent/gossip/intruders.ts';
import { stage } from './stage.ts';

function make() {
  const { clock, parts } = stage();
  const reports: IntrusionReport[] = [];
  const intruders = new Intruders({
    deadlines: parts.deadlines,
    counters: parts.counters,
    onReport: (report) => reports.push(report),
  });
  const knock = (host: string, times: number) => {
    for (let i = 0; i < times; i++) intruders.note({ host, port: 1 }, 'wrong-key');
  };
  return { clock, parts, reports, intruders, knock };
}

test('the first knock is reported at once, the rest once a minute with their sources', () => {
  const { clock, knock, reports } = make();
  knock('10.0.0.1', 1);
  clock.runFor(1);
  expect(reports).toEqual([{ reasons: { 'wrong-key': 1 }, sources: [{ host: '10.0.0.1', count: 1 }] }]);
  for (let i = 1; i <= 20; i++) knock(`10.0.1.${i}`, i);
  clock.runFor(59_000);
  expect(reports).toHaveLength(1);
  clock.runFor(2_000);
  expect(reports).toHaveLength(2);
  expect(reports[1]?.reasons).toEqual({ 'wrong-key': 210 });
  expect(reports[1]?.sources).toHaveLength(10);
  expect(reports[1]?.sources[0]).toEqual({ host: '10.0.1.20', count: 20 });
  clock.runFor(600_000);
  expect(reports).toHaveLength(2);
});

test('noise is counted but nobody is told', () => {
  const { clock, intruders, parts, reports } = make();
  intruders.note({ host: '10.0.0.1', port: 1 }, 'truncated');
  clock.runFor(120_000);
  expect(reports).toEqual([]);
  expect(parts.counters.get('refused_truncated')).toBe(1);
});

test('invented addresses do not fill our memory', () => {
  const { clock, knock, reports } = make();
  knock('10.0.0.1', 1);
  clock.runFor(1);
  for (let i = 0; i < 3_000; i++) knock(`host ${i}`, 1);
  clock.runFor(60_000);
  expect(reports[1]?.sources[0]).toEqual({ host: 'others', count: 2_000 });
});
