/** Times of day as cron writes them (`30 3 * * 1-5`, seconds as an optional sixth field in front). */
import { Cron } from 'croner';
import { messageOf } from './errors.ts';

/** The first wall time after the given one, both Unix milliseconds; null when none will ever come. */
export type NextTime = (afterWallMs: number) => number | null;

export type ParsedCron =
  | { readonly ok: true; readonly next: NextTime }
  | { readonly ok: false; readonly message: string };

/** `timezone` is an IANA name (`Europe/Berlin`). */
export function parseCron(expression: string, timezone: string): ParsedCron {
  try {
    const cron = new Cron(expression, { timezone });
    const next: NextTime = (afterWallMs) => cron.nextRun(new Date(afterWallMs))?.getTime() ?? null;
    // Asked once, because only a calculation finds a wrong time zone or a 31st of February.
    if (next(0) === null) return { ok: false, message: `"${expression}" never comes` };
    return { ok: true, next };
  } catch (error) {
    return { ok: false, message: messageOf(error).replace(/^Cron\w+: /, '') };
  }
}
