import { expect, test } from 'vitest';
import { compileEventFilter, everyEvent } from '../../proto/event-filter.ts';
import type { EventFilter } from '../../proto/rpc.ts';
import type { EventDraft, HealthEvent } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';

function event(fields: Partial<EventDraft> & Pick<EventDraft, 'Kind'>): HealthEvent {
  return { Schema: 1, Offset: 7, Time: '2026-11-22T03:12:00.000Z', ...draftEvent(fields) };
}

const failed = event({ Kind: 'node.failed', Node: 'web-1', From: 'alive', To: 'failed' });
const critical = event({
  Kind: 'check.changed',
  Node: 'web-1',
  Service: 'shop-1',
  Check: 'http',
  From: 'passing',
  To: 'critical',
});
const disk = event({ Kind: 'check.changed', Node: 'web-2', Check: 'disk', From: 'critical', To: 'passing' });

const serviceOf = (_node: string, id: string) =>
  id === 'shop-1' ? { name: 'shop', tags: ['v1', 'Prod'] } : undefined;

function select(filter: Partial<EventFilter>): HealthEvent[] {
  return [failed, critical, disk].filter(compileEventFilter({ ...everyEvent, ...filter }, serviceOf));
}

test('no condition selects everything, several must all hold', () => {
  expect(select({})).toEqual([failed, critical, disk]);
  expect(select({ nodes: ['web-1'] })).toEqual([failed, critical]);
  expect(select({ nodes: ['web-1'], kinds: ['check.changed'] })).toEqual([critical]);
  expect(select({ statuses: ['critical', 'failed'] })).toEqual([failed, critical]);
  expect(select({ checks: ['disk'] })).toEqual([disk]);
});

test('kinds may be a family; one that does not exist is an error', () => {
  expect(select({ kinds: ['node.*'] })).toEqual([failed]);
  expect(() => select({ kinds: ['node.exploded'] })).toThrow(
    /"node.exploded" is no kind of event; known are node.joined/,
  );
});

test('a service goes by id or name, a tag without regard to case', () => {
  expect(select({ services: ['shop-1'] })).toEqual([critical]);
  expect(select({ services: ['shop'] })).toEqual([critical]);
  expect(select({ tags: ['PROD', 'v1'] })).toEqual([critical]);
  expect(select({ tags: ['v2'] })).toEqual([]);
});

test('an expression may ask for any field', () => {
  expect(select({ expression: 'Node matches "-2$" and From == critical' })).toEqual([disk]);
  expect(() => select({ expression: 'Evidence == x' })).toThrow(/Selector "Evidence" is not valid/);
});
