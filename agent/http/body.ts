/** JSON bodies, read whatever the content type says, with the errors that Consul's clients know. Reference: section 2. */
import { ExpectedError } from '../../proto/errors.ts';
import { lazy } from '../../proto/lazy.ts';
import type { Call } from './call.ts';

/** What bodies are held against; loaded with the first request that brings one. */
export const bodySchemas = lazy(() => import('./body-schemas.ts'));

/** The value of the body; `null` counts as an empty object. Throws BAD_REQUEST when it is no JSON object. */
export function jsonBody(call: Call): Record<string, unknown> {
  const text = call.body.toString('utf8');
  if (text.trim() === '') throw undecodable('EOF');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw undecodable(`invalid JSON: ${startOf(text)}`);
  }
  if (value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  const type = Array.isArray(value) ? 'array' : typeof value;
  throw undecodable(`json: cannot unmarshal ${type === 'boolean' ? 'bool' : type} into an object`);
}

function undecodable(reason: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', `Request decode failed: ${reason}`);
}

function startOf(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
