/** `rollcall schema`: JSON Schema (2020-12) of a configuration file, a definition, an event or a record of a stream, for editors and tools. */
import { Argument, Command } from 'commander';
import { z } from 'zod';
import { checkInput, serviceInput } from '../../proto/schema/definitions.ts';
import { healthEvent, streamRecord } from '../../proto/schema/event.ts';
import { localEvent } from '../../proto/schema/local-event.ts';
import { fileKeys } from '../config/schema.ts';
import type { Io } from './io.ts';
import { printJson } from './shared.ts';

const what = ['config', 'check', 'service', 'event', 'record', 'local-event'] as const;
type What = (typeof what)[number];

/** What a definition may say in a file beyond what it is: see config/expand.ts. */
const inFiles = {
  use: z.string().optional().describe('Name of the template to fill in.'),
  with: z.record(z.string(), z.unknown()).optional().describe('What to fill in.'),
  for_each: z
    .union([z.array(z.unknown()), z.record(z.string(), z.unknown())])
    .optional()
    .describe('One definition for each value (each), or for each name and value (key, value).'),
};
const checkInFile = checkInput.extend(inFiles).meta({ id: 'check' });
const serviceInFile = serviceInput
  .extend({ ...inFiles, check: checkInFile.optional(), checks: z.array(checkInFile).optional() })
  .meta({ id: 'service' });
const file = fileKeys.partial().extend({
  check: checkInFile.optional(),
  checks: z.array(checkInFile).optional().describe('Checks of this host.'),
  service: serviceInFile.optional(),
  services: z.array(serviceInFile).optional().describe('Services of this host.'),
});

export function command(io: Io): Command {
  return new Command()
    .addArgument(new Argument('[what]', 'of what').choices(what).default('config'))
    .action((chosen: What) => printJson(io, schemaOf(chosen)));
}

export function schemaOf(chosen: What): object {
  const [title, schema] = schemas[chosen];
  return { title, ...z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) };
}

const schemas: Readonly<Record<What, readonly [title: string, schema: z.ZodType]>> = {
  config: ['Rollcall configuration file', file],
  check: ['Rollcall check', checkInput],
  service: ['Rollcall service', serviceInput],
  event: ['Rollcall event', healthEvent],
  record: ['Record of a Rollcall event stream', streamRecord],
  'local-event': ['Rollcall event as heard by gossip', localEvent],
};
