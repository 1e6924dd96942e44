import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Fields } from '../../proto/filter.ts';
import { compileFilter } from '../../proto/filter.ts';

interface Recorded {
  readonly services: Readonly<Record<string, unknown>>;
  /** `selected` is null where Consul refused the filter. */
  readonly cases: ReadonlyArray<{ readonly filter: string; readonly selected: readonly string[] | null }>;
}

const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/consul/filter.json', import.meta.url), 'utf8'),
) as Recorded;

const serviceFields: Fields = {
  ID: 'string',
  Service: 'string',
  Tags: 'strings',
  Meta: 'texts',
  Port: 'number',
  Address: 'string',
  Kind: 'string',
  TaggedAddresses: { mapOf: { Address: 'string', Port: 'number' } },
  Weights: { fields: { Passing: 'number', Warning: 'number' } },
  EnableTagOverride: 'bool',
  Proxy: { fields: { DestinationServiceName: 'string' } },
};

/** Where newer versions of Consul, and we, differ from the recorded one. */
const corrected: Readonly<Record<string, readonly string[]>> = {
  'Meta.nokey matches "x"': [],
  'Meta.ver matches "^1$"': ['f1'],
  'Proxy.DestinationServiceName == x': [],
};

test('selects and refuses what Consul does', () => {
  expect(recorded.cases.length).toBeGreaterThan(60);
  for (const { filter, selected } of recorded.cases) {
    const wanted = corrected[filter] ?? selected;
    const choose = () => {
      const holds = compileFilter(filter, serviceFields);
      return Object.entries(recorded.services).flatMap(([id, service]) =>
        holds({ Kind: '', ...(service as object) }) ? [id] : [],
      );
    };
    if (wanted === null) expect(choose, filter).toThrow(/^Failed to create boolean expression evaluator: /);
    else expect([filter, choose()]).toEqual([filter, wanted]);
  }
});

test('a path through a list holds if any element does, for != too', () => {
  const fields: Fields = { Checks: { listOf: { Status: 'string', ServiceTags: 'strings' } } };
  const both = { Checks: [{ Status: 'passing' }, { Status: 'critical' }] };
  const good = { Checks: [{ Status: 'passing' }] };
  const none = { Checks: [] };
  const select = (filter: string) => [both, good, none].map(compileFilter(filter, fields));
  expect(select('Checks.Status != passing')).toEqual([true, false, false]);
  expect(select('not Checks.Status == critical')).toEqual([false, true, true]);
  expect(select('Checks is empty')).toEqual([false, false, true]);
});

test('an error names its column', () => {
  const cases: Array<[string, RegExp]> = [
    ['Service == fa and servce == x', /column 19: Selector "servce" is not valid; known are ID, Service/],
    ['Port == many', /column 9: "many" is no number/],
    ['EnableTagOverride == 1', /column 22: "1" is neither true nor false/],
    ['Service matches "a("', /column 17: regular expression, character 3/],
    ['(Service == fa', /column 15: a bracket is not closed/],
    ['Service == fa )', /column 15: expected "and", "or" or the end, not "\)"/],
    ['Service ~ fa', /column 9: "~" is not understood/],
    ['Service == "a', /column 12: """ is not understood/],
    ['Service == "\\q"', /column 12: an escape/],
    ['Service == ==', /column 12: "==" is no value/],
    ['( in Tags', /column 6: expected an operator/],
    ['Weights == 1', /column 1: .*it has the fields Passing, Warning/],
    ['Port in x', /column 9: Selector "x" is not valid/],
    ['80 in Port', /column 1: "in" cannot be asked of "Port"/],
    [`${'('.repeat(200)}Service == fa`, /nested too deeply/],
    [`${'not '.repeat(200)}Service == fa`, /nested too deeply/],
    [`Service == ${'x'.repeat(5_000)}`, /4096 characters/],
  ];
  for (const [filter, reason] of cases)
    expect(() => compileFilter(filter, serviceFields), filter).toThrow(reason);
});

test('an own property of every object is no field', () => {
  expect(() => compileFilter('constructor == x', serviceFields)).toThrow(/not valid/);
  expect(compileFilter('constructor in Meta', serviceFields)({ Meta: {} })).toBe(false);
});
