import { expect, test } from 'vitest';
import type { OwnCheck, OwnService } from '../../../proto/schema/catalog.ts';
import type { Outcome } from '../../../server/fsm/outcome.ts';
import { checkOf, identityOf, put, Story, serviceOf, turned } from '../story.ts';

function sync(story: Story, revision: number, checks: OwnCheck[], services: OwnService[] = []): Outcome {
  const body = { kind: 'sync' as const, v: 1 as const, identity: identityOf('web-1') };
  return story.commit({ ...body, journalId: 'journal-web-1', revision, services, checks });
}

test('the catalog follows the agent, and every repair says that it is one', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http')), put(2, checkOf('old'))]);
  story.news();
  const checks = [checkOf('http', { status: 'critical', serviceId: 'shop' }), checkOf('new')];
  expect(sync(story, 2, checks, [serviceOf('shop')])).toMatchObject({ repairs: 4, revision: 2 });
  expect(new Set(story.events.map((event) => event.Cause))).toEqual(new Set(['sync']));
  expect(story.news()).toEqual([
    'service.registered >',
    'check.removed passing>',
    'check.changed passing>critical',
    'check.added >passing',
  ]);
  expect(sync(story, 2, checks, [serviceOf('shop')])).toMatchObject({ repairs: 0 });
  expect(story.news()).toEqual([]);
});

test('a comparison that was overtaken by the journal is void', () => {
  const story = new Story();
  story.journal('web-1', [put(1, checkOf('http')), turned(2, 'http', 'critical')]);
  expect(sync(story, 1, [checkOf('http')])).toMatchObject({ repairs: 0, revision: 2 });
  expect(story.fsm.state.catalog.check('web-1', 'http')?.status).toBe('critical');
});

test('a catalog that began anew learns from a comparison how far the journal is', () => {
  const story = new Story();
  expect(sync(story, 57, [checkOf('http')])).toMatchObject({ repairs: 1, revision: 57 });
  story.news();
  expect(
    story.journal('web-1', [turned(57, 'http', 'critical'), turned(58, 'http', 'warning')]).revision,
  ).toBe(58);
  expect(story.news()).toEqual(['check.changed passing>warning']);
});

test('rows that are the leader’s stay', () => {
  const story = new Story();
  story.alive('web-1');
  sync(story, 0, []);
  expect(story.fsm.state.catalog.check('web-1', 'serfHealth')?.status).toBe('passing');
});
