import { expect, test } from 'vitest';
import { defaultLayer, devLayer } from '../../../agent/config/defaults.ts';
import { toPlain } from '../../../agent/config/located.ts';
import { Problems } from '../../../agent/config/problems.ts';
import { fileSchema } from '../../../agent/config/schema.ts';
import { validateSettings } from '../../../agent/config/validate.ts';

test('the defaults pass the schema that files must pass', () => {
  const problems = new Problems();
  validateSettings(defaultLayer(), problems);
  validateSettings(devLayer(), problems);
  expect(problems.sorted([])).toEqual([]);
});

test('--dev only changes what the defaults know', () => {
  const defaults = fileSchema.parse(toPlain(defaultLayer()));
  for (const key of Object.keys(toPlain(devLayer()) as object)) expect(defaults).toHaveProperty(key);
});
