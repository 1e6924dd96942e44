/** Bugs crash. Use this for what must hold; expected errors have names in `errors.ts`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
