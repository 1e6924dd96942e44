/** A value that is written and read, each write with a value of its own: what the histories of the simulator are about. */
import { type Judgement, judge, type Model, type Operation } from './linearizable.ts';

/** `null` is what is read before the first write. */
export type RegisterAction =
  | { readonly kind: 'write'; readonly value: string }
  | { readonly kind: 'read'; readonly value: string | null };

export const register: Model<string | null, RegisterAction> = {
  initial: null,
  step(state, action) {
    if (action.kind === 'write') return action.value;
    return action.value === state ? state : undefined;
  },
  keyOf: (state) => (state === null ? '-' : `=${state}`),
};

/**
 * Reads without an answer say nothing. A write without an answer whose value nobody has read may as well never have
 * happened: whatever explains the history with it does so without it. Both go before the search.
 */
export function judgeRegister(history: readonly Operation<RegisterAction>[]): Judgement {
  const seen = new Set(
    history.flatMap(({ action, returned }) =>
      action.kind === 'read' && returned !== null ? [action.value] : [],
    ),
  );
  const relevant = history.filter(
    ({ action, returned }) => returned !== null || (action.kind === 'write' && seen.has(action.value)),
  );
  return judge(relevant, register);
}
