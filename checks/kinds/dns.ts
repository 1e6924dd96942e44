/** Resolves a name: passing when there are answers, and all those that are expected. */
import type { Resolver } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { boundText } from '../output.ts';
import { type CheckKind, critical, passing } from './kind.ts';
import { networkOutcome } from './network-text.ts';

export function dnsKind(resolver: Resolver): CheckKind<SpecOf<'dns'>> {
  return {
    async run({ name, type, server, expect }, { timeoutMs, signal, outputBytesMax }) {
      const question = `DNS ${type} ${name}`;
      try {
        const answers = await resolver.resolve(name, type, { server, timeoutMs, signal });
        const output = boundText(`${question}: ${answers.toSorted().join(', ')}`, outputBytesMax);
        const missing = expect.filter((wanted) => !answers.some((answer) => same(answer, wanted)));
        if (missing.length > 0) return critical(`${output}; expected also ${missing.join(', ')}`);
        return answers.length === 0 ? critical(`${question}: no answers`) : passing(output);
      } catch (error) {
        return networkOutcome(error, (message) => `${question}: ${message}`);
      }
    },
  };
}

/** Names are the same in any case, with and without the dot at the end. */
function same(one: string, other: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/\.$/, '');
  return plain(one) === plain(other);
}
