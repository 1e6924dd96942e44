/** What a failed connection says in an outcome; anything that is no expected failure goes on as a bug. */
import { NetworkError } from '../../proto/host-ports.ts';
import { critical, type Outcome } from './kind.ts';

/** `text` makes the output of the error's message. */
export function networkOutcome(error: unknown, text = (message: string) => message): Outcome {
  if (!(error instanceof NetworkError)) throw error;
  return critical(text(error.message), { details: { error: error.code } });
}
