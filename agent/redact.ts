/**
 * Keeps secrets out of what checks print: a URL with a token in it, a header that a server sends back. What came in
 * through `${env:…}` or `${file:…}` is blotted out before anybody sees the output.
 */
import type { CheckKind, Kinds } from '../checks/kinds/kind.ts';
import type { CheckSpec } from '../proto/schema/definitions.ts';

/** Shorter ones are no secrets, and would be found inside of many words. */
const secretLengthMin = 4;
const blot = '(hidden)';

/** The same kinds with silent lips. `secrets` is asked at each run, for a reload may change them. */
export function redacting(kinds: Kinds, secrets: () => readonly string[]): Kinds {
  return {
    classOf: (kind) => kinds.classOf(kind),
    load: async (kind) => quiet(await kinds.load(kind), secrets),
  };
}

function quiet(kind: CheckKind<CheckSpec>, secrets: () => readonly string[]): CheckKind<CheckSpec> {
  return {
    run: async (spec, context) => {
      const outcome = await kind.run(spec, context);
      return { ...outcome, output: redact(outcome.output, secrets()) };
    },
  };
}

export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= secretLengthMin)
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((clean, secret) => clean.replaceAll(secret, blot), text);
}
