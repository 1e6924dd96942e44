/**
 * Durations as people write them in Go's syntax (`10s`, `1m30s`, `1.5h`), since that is what definitions
 * made for Consul contain. Inside of the program a duration is a number of milliseconds.
 */

/** Milliseconds per unit. Both spellings of the micro sign are in use. */
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go counts nanoseconds in 63 bits: about 292 years. */
const durationMsMax = (2 ** 63 - 1) / 1e6;
const nanosecondsPerMs = 1e6;

export type ParsedDuration =
  | { readonly ok: true; readonly ms: number }
  /** `message` is Go's own text, which Consul's clients print and match. */
  | { readonly ok: false; readonly message: string };

/** Reads a signed sequence of decimal numbers with units; `0` may stand without one. */
export function parseDuration(text: string): ParsedDuration {
  const invalid: ParsedDuration = { ok: false, message: `time: invalid duration "${text}"` };
  const sign = text.startsWith('-') ? -1 : 1;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return { ok: true, ms: 0 };
  if (rest === '') return invalid;
  let ms = 0;
  while (rest !== '') {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) return invalid;
    const unit = /^[^\d.]*/.exec(rest.slice(number.length))![0];
    if (unit === '') return { ok: false, message: `time: missing unit in duration "${text}"` };
    const factor = unitMs[unit];
    if (factor === undefined) {
      return { ok: false, message: `time: unknown unit "${unit}" in duration "${text}"` };
    }
    ms += Number(number) * factor;
    rest = rest.slice(number.length + unit.length);
  }
  return ms > durationMsMax ? invalid : { ok: true, ms: sign * ms };
}

/** A JSON number is a duration in nanoseconds, as Go marshals it. */
export function durationFromNanoseconds(nanoseconds: number): number {
  return nanoseconds / nanosecondsPerMs;
}

/** As Go prints it: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size < 1e-3) return `${sign}${decimal(size * 1e6)}ns`;
  if (size < 1) return `${sign}${decimal(size * 1e3)}µs`;
  if (size < 1_000) return `${sign}${decimal(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = `${decimal((size % 60_000) / 1_000)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** Without an exponent and without zeros at the end; nine digits are a nanosecond. */
function decimal(value: number): string {
  return String(Number(value.toFixed(9)));
}
