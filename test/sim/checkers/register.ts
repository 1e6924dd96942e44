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
 * happened: whatever explains the history with it does so without it. So does what explains it without a write that nobody
 * has read and during which another one began and ended: it can always have come right before that. All these go before the
 * search, which would try each of them everywhere.
 */
export function judgeRegister(history: readonly Operation<RegisterAction>[]): Judgement {
  const seen = new Set(
    history.flatMap(({ action, returned }) =>
      action.kind === 'read' && returned !== null ? [action.value] : [],
    ),
  );
  const writes = history.filter(({ action, returned }) => action.kind === 'write' && returned !== null);
  const isOverwritten = ({ invoked, returned }: Operation<RegisterAction>) =>
    writes.some((other) => other.invoked > invoked && other.returned! < returned!);
  const relevant = history.filter((operation) => {
    const { action, returned } = operation;
    if (action.kind === 'read') return returned !== null;
    return seen.has(action.value) || (returned !== null && !isOverwritten(operation));
  });
  return judge(relevant, register);
}
