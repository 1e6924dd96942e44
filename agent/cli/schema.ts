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
      const file = fileKeys.partial().extend({
        check: checkInput.optional(),
        checks: z.array(checkInput).optional().describe('Checks of this host.'),
        service: serviceInput.optional(),
        services: z.array(serviceInput).optional().describe('Services of this host.'),
      });
      return { title: 'Rollcall configuration file', ...z.toJSONSchema(file, options) };
    }
  }
}
