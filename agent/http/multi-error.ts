/** Several errors as one text, in Consul's form. */
import { type ErrorCode, ExpectedError } from '../../proto/errors.ts';

export function multiError(code: ErrorCode, reasons: readonly string[]): ExpectedError {
  const count = `${reasons.length} error${reasons.length === 1 ? '' : 's'} occurred:`;
  const text = `${count}\n${reasons.map((reason) => `\t* ${reason}\n`).join('')}\n`;
  return new ExpectedError(code, text, { status: 500 });
}
