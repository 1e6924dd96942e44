/** An answer within a time, or none. */
import type { Clock } from '../../proto/ports.ts';

/** Null when the time was up first; the question itself goes on. */
export function withDeadline<Answer>(
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
  question: Promise<Answer>,
): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => resolve(null));
    question.then(resolve, reject).finally(() => timer.cancel());
  });
}
