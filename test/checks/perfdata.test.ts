import { expect, test } from 'vitest';
import { parsePerfdata } from '../../checks/perfdata.ts';

function brief(output: string): string[] {
  return parsePerfdata(output).map(({ name, value, unit }) => `${name}=${value}${unit}`);
}

test('the output of a disk plugin becomes a metric with its limits', () => {
  expect(parsePerfdata('DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n')).toEqual([
    { name: '/', value: 2643, unit: 'MB', warning: '5948', critical: '5958', min: 0, max: 5968 },
  ]);
});

test('many values, quoted names, ranges and missing limits are read', () => {
  expect(
    parsePerfdata("PING OK | 'round trip'=0.061ms;100:;@200:300; pl=0%;;;0;100 'it''s'=-1.5e2").map(
      (metric) => [metric.name, metric.value, metric.unit, metric.warning, metric.critical],
    ),
  ).toEqual([
    ['round trip', 0.061, 'ms', '100:', '@200:300'],
    ['pl', 0, '%', '', ''],
    ["it's", -150, '', '', ''],
  ]);
});

test('the long text has its own part, which goes on to the end', () => {
  expect(brief('OK | a=1\nlong text\nmore | b=2\nc=3s\n')).toEqual(['a=1', 'b=2', 'c=3s']);
});

test('an output without perfdata has none, and what cannot be read is stepped over', () => {
  expect(brief('all fine')).toEqual([]);
  expect(brief('OK | load=U time=3s junk ==== x=1.2.3 y=4')).toEqual(['time=3s', 'y=4']);
});

test('a plugin cannot flood the memory', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `m${index}=${index}`).join(' ');
  expect(parsePerfdata(`OK | ${many}`)).toHaveLength(100);
  expect(parsePerfdata(`OK | ${"'".repeat(100_000)}`)).toEqual([]);
  expect(parsePerfdata(`OK | ${'a'.repeat(5_000)}=1`)[0]!.name).toHaveLength(200);
});
