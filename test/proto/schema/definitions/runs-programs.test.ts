import { expect, test } from 'vitest';
import { kindSchemas } from '../../../../proto/schema/definitions/kinds.ts';
import { runsPrograms } from '../../../../proto/schema/definitions/runs-programs.ts';

test('kinds whose definition names a program need consent, and no others', () => {
  const naming = kindSchemas.filter(({ keys }) => 'args' in keys).map(({ kind }) => kind);
  expect(kindSchemas.map(({ kind }) => kind).filter(runsPrograms)).toEqual(naming);
  expect(naming).toContain('script');
});
