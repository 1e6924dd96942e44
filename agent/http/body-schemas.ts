/**
 * Bodies of requests that are held against a schema. Routes load this file with the first request that brings one: the
 * schemas and their library take about 12 MiB, and most agents live without ever being sent anything.
 */
import { z } from 'zod';
import { ExpectedError } from '../../proto/errors.ts';
import { decode } from '../../proto/schema/definitions/decode.ts';
import {
  type CheckDefinition,
  type ParsedDefinition,
  parseCheckDefinition,
  parseServiceDefinition,
  type ServiceDefinition,
} from '../../proto/schema/definitions.ts';
import type { TemplateRequest } from '../config/template-check.ts';

type Body = Readonly<Record<string, unknown>>;

export function checkIn(body: Body): CheckDefinition {
  return definitionIn(parseCheckDefinition(body));
}

export function serviceIn(body: Body): ServiceDefinition {
  return definitionIn(parseServiceDefinition(body));
}

/** A checked definition, or the first of its errors in Consul's words. */
function definitionIn<Definition>(parsed: ParsedDefinition<Definition>): Definition {
  if (parsed.ok) return parsed.definition;
  throw new ExpectedError('BAD_REQUEST', parsed.errors[0]!.consul);
}

/** All that may stand beside the name of a template: what the check does is the operator's business. */
const templateInput = z.strictObject({
  use: z.string(),
  with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  notes: z.string().optional(),
  service_id: z.string().optional(),
});

export function templateIn(body: Body): TemplateRequest {
  const {
    use,
    with: values = {},
    id = '',
    name = '',
    notes = '',
    service_id = '',
  } = decodedBody(templateInput, body);
  return { use, with: values, id, name, notes, serviceId: service_id };
}

const updateInput = z.strictObject({ status: z.string().optional(), output: z.string().optional() });

/** What a client says of a TTL check; '' for what it does not say. */
export function updateIn(body: Body): { readonly status: string; readonly output: string } {
  const { status = '', output = '' } = decodedBody(updateInput, body);
  return { status, output };
}

const acknowledgement = z.strictObject({ offset: z.int().nonnegative() });

export function acknowledgementIn(body: Body): { readonly offset: number } {
  return decodedBody(acknowledgement, body);
}

/** With keys spelt as in the schema; throws the first of the errors in Consul's words. */
export function decodedBody<Schema extends z.ZodType>(schema: Schema, body: Body): z.output<Schema> {
  const { raw, problems } = decode(schema, body);
  if (raw !== undefined && problems.length === 0) return raw;
  throw new ExpectedError('BAD_REQUEST', problems[0]?.consul ?? 'Request decode failed');
}
