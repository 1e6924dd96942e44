/**
 * Is there one order of all operations that explains every answer, and in which an operation that ended before another
 * began comes first? (Herlihy and Wing 1990; the search is Wing and Gong's, with Lowe's memory of configurations that
 * were tried.) An operation without an answer may take effect at any later time, or never.
 */

/** `invoked` and `returned` are moments of one clock that never shows the same twice; null: no answer came. */
export interface Operation<Action> {
  readonly action: Action;
  readonly invoked: number;
  readonly returned: number | null;
}

/** A sequential object. `step` answers the next state, or undefined when the action could not have been answered so. */
export interface Model<State, Action> {
  readonly initial: State;
  step(state: State, action: Action): State | undefined;
  /** Equal states have equal keys. */
  keyOf(state: State): string;
}

export type Judgement = 'linearizable' | 'not linearizable' | 'undecided';

/** Configurations that are tried before the search gives up. */
const stepsMax = 500_000;

/** A call or a return in the order of time; lifted out of the list while its operation is taken as done. */
interface Mark {
  readonly operation: number;
  readonly isReturn: boolean;
  previous: Mark | null;
  next: Mark | null;
}

export function judge<State, Action>(
  history: readonly Operation<Action>[],
  model: Model<State, Action>,
): Judgement {
  const { head, returns } = marksOf(history);
  const returnOf = new Map<number, Mark>();
  for (let mark = head.next; mark !== null; mark = mark.next) {
    if (mark.isReturn) returnOf.set(mark.operation, mark);
  }
  const bits = new Uint32Array(Math.ceil(history.length / 32));
  const tried = new Set<string>();
  const path: { readonly call: Mark; readonly before: State }[] = [];
  let state = model.initial;
  let open = returns;
  let mark = head.next;
  for (let steps = 0; open > 0; steps++) {
    if (steps > stepsMax) return 'undecided';
    // Behind the last mark, or at a return whose operation is not done yet: this way leads nowhere.
    if (mark === null || mark.isReturn) {
      const last = path.pop();
      if (last === undefined) return 'not linearizable';
      const { operation } = last.call;
      state = last.before;
      bits[operation >> 5]! ^= 1 << (operation & 31);
      const end = returnOf.get(operation);
      if (end !== undefined) {
        putBack(end);
        open++;
      }
      putBack(last.call);
      mark = last.call.next;
      continue;
    }
    const { operation } = mark;
    const next = model.step(state, history[operation]!.action);
    if (next !== undefined) {
      bits[operation >> 5]! ^= 1 << (operation & 31);
      const configuration = `${bits.join()} ${model.keyOf(next)}`;
      if (!tried.has(configuration)) {
        tried.add(configuration);
        path.push({ call: mark, before: state });
        state = next;
        takeOut(mark);
        const end = returnOf.get(operation);
        if (end !== undefined) {
          takeOut(end);
          open--;
        }
        mark = head.next;
        continue;
      }
      bits[operation >> 5]! ^= 1 << (operation & 31);
    }
    mark = mark.next;
  }
  return 'linearizable';
}

function marksOf<Action>(history: readonly Operation<Action>[]): { head: Mark; returns: number } {
  const moments: { at: number; operation: number; isReturn: boolean }[] = [];
  for (const [operation, { invoked, returned }] of history.entries()) {
    moments.push({ at: invoked, operation, isReturn: false });
    if (returned !== null) moments.push({ at: returned, operation, isReturn: true });
  }
  moments.sort((a, b) => a.at - b.at);
  const head: Mark = { operation: -1, isReturn: false, previous: null, next: null };
  let last = head;
  let returns = 0;
  for (const { operation, isReturn } of moments) {
    const mark: Mark = { operation, isReturn, previous: last, next: null };
    last.next = mark;
    last = mark;
    if (isReturn) returns++;
  }
  return { head, returns };
}

function takeOut(mark: Mark): void {
  mark.previous!.next = mark.next;
  if (mark.next !== null) mark.next.previous = mark.previous;
}

/** Undoes `takeOut`; the last one taken out goes back first. */
function putBack(mark: Mark): void {
  mark.previous!.next = mark;
  if (mark.next !== null) mark.next.previous = mark;
}
