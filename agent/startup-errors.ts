/** What keeps an agent from starting, as one line that says what, where and what to do. */
import { formatAddress } from '../proto/address.ts';
import { ExpectedError, messageOf } from '../proto/errors.ts';
import type { Endpoint } from '../proto/ports.ts';

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program; stop that one or choose another port',
  EADDRNOTAVAIL: 'this host does not have that address; use one of its own',
  EACCES: 'not allowed; ports below 1024 need privileges',
};

/** Names the port by its key in the configuration. Whatever else was thrown is passed on as it is. */
export function cannotListen(what: string, key: string, at: Endpoint, error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? advice[code] : undefined;
  if (known === undefined) return error;
  const text = `cannot listen for ${what} on ${formatAddress(at)} (${key}): ${known}`;
  return new ExpectedError('CANNOT_LISTEN', text, { cause: error });
}

/** True when the message of the error is all that people need; anything else is a bug and deserves its stack. */
export function isPlain(error: unknown): error is Error {
  return error instanceof ExpectedError || (error instanceof Error && error.name === 'ListenError');
}

export function lineOf(error: unknown): string {
  return messageOf(error).replace(/\s*\n\s*/g, ' ');
}
