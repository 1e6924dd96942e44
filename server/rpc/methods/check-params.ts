/** Parameters from the wire are judged where they are used for the first time: at the leader for what enters the log. */
import { z } from 'zod';
import { ExpectedError } from '../../../proto/errors.ts';

/** The value as the schema has it, without foreign keys. Throws BAD_REQUEST with the first faults. */
export function checkParams<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ExpectedError('BAD_REQUEST', z.prettifyError(parsed.error).slice(0, 1_000));
}
