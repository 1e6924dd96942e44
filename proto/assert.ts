/**
 * Bugs crash. Use this for what must hold; expected errors have names in `errors.ts`. Where it is asked thousands of times a
 * second, the message is a function: text with numbers in it costs more than the question.
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new Error(`invariant broken: ${typeof message === 'string' ? message : message()}`);
}
