/** `rollcall schema`: JSON Schema (2020-12) of a configuration file, a definition or an event, for editors and tools. */
import { Argument, Command } from 'commander';
import { z } from 'zod';
import { checkInput, serviceInput } from '../../proto/schema/definitions.ts';
import { healthEvent } from '../../proto/schema/event.ts';
import { fileKeys } from '../config/schema.ts';
import type { Io } from './io.ts';
import { printJson } from './shared.ts';

const what = ['config', 'check', 'service', 'event'] as const;
type What = (typeof what)[number];

/** What a definition may say in a file beyond what it is: see config/expand.ts. */
const once = {
  use: z.string().optional().describe('Name of the template to fill in.'),
  with: z.record(z.string(), z.unknown()).optional().describe('What to fill in.'),
};
const many = {
  for_each: z
    .union([z.array(z.unknown()), z.record(z.string(), z.unknown())])
    .optional()
    .describe('One definition for each value (each), or for each name and value (key, value).'),
};

export function command(io: Io): Command {
  return new Command()
    .addArgument(new Argument('[what]', 'of what').choices(what).default('config'))
    .action((chosen: What) => printJson(io, schemaOf(chosen)));
}

export function schemaOf(chosen: What): object {
  const options = { target: 'draft-2020-12', io: 'input' } as const;
  switch (chosen) {
    case 'check':
      return { title: 'Rollcall check', ...z.toJSONSchema(checkInput, options) };
    case 'service':
      return { title: 'Rollcall service', ...z.toJSONSchema(serviceInput, options) };
    case 'event':
      return { title: 'Rollcall event', ...z.toJSONSchema(healthEvent, options) };
    case 'config': {
      const check = checkInput.extend(once);
      const service = serviceInput.extend({
        ...once,
        check: check.optional(),
        checks: z.array(check.extend(many)).optional(),
      });
      const file = fileKeys.partial().extend({
        check: check.optional(),
        checks: z.array(check.extend(many)).optional().describe('Checks of this host.'),
        service: service.optional(),
        services: z.array(service.extend(many)).optional().describe('Services of this host.'),
      });
      return { title: 'Rollcall configuration file', ...z.toJSONSchema(file, options) };
    }
  }
}
