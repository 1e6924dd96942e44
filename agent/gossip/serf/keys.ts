/** One step of a key rotation, asked of the whole cluster at once, and what each member said. */
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import type { Parts } from '../parts.ts';
import { type KeyOperation, keyQueryName } from './internal-queries.ts';
import type { Serf } from './serf.ts';

export interface KeyReport {
  /** Members that should have answered, ourselves included. */
  readonly members: number;
  /** Those that did as they were told. */
  readonly succeeded: number;
  /** Member → what it said instead. */
  readonly failures: Readonly<Record<string, string>>;
  /** Members that said nothing in time. */
  readonly silent: readonly string[];
  /** For a list: key (base64) → how many members have it, and how many seal with it. */
  readonly keys: Readonly<Record<string, number>>;
  readonly primaryKeys: Readonly<Record<string, number>>;
  /** For a list: member → its keys, the one that it seals with first. */
  readonly rings: Readonly<Record<string, readonly string[]>>;
}

/** `key` is empty for a list. Throws what `Serf.query` throws. */
export function askForKeys(
  parts: Parts,
  serf: Serf,
  operation: KeyOperation,
  key: Uint8Array,
  onDone: (report: KeyReport) => void,
): void {
  const expected = presentMembers(parts);
  const answered = new Set<string>();
  const failures: Record<string, string> = {};
  const keys: Record<string, number> = {};
  const primaryKeys: Record<string, number> = {};
  const rings: Record<string, readonly string[]> = {};
  const hear = (from: string, payload: Uint8Array) => {
    const { message } = decodeSerf(payload);
    if (message?.type !== 'serf.keyResponse') {
      failures[from] = 'its answer makes no sense';
    } else if (!message.result) {
      failures[from] = message.message;
    } else {
      const { primaryKey } = message;
      const known = message.keys ?? [];
      for (const key of known) keys[key] = (keys[key] ?? 0) + 1;
      if (primaryKey !== '') primaryKeys[primaryKey] = (primaryKeys[primaryKey] ?? 0) + 1;
      // Agents from before Serf 0.9.4 do not say which key is the primary; it is the first one there as well.
      rings[from] = primaryKey === '' ? known : [primaryKey, ...known.filter((key) => key !== primaryKey)];
    }
    answered.add(from);
    return expected.every((name) => answered.has(name));
  };
  const payload = encodeSerf({ type: 'serf.keyRequest', key });
  const request = {
    name: keyQueryName(operation),
    payload,
    nodes: [],
    tags: {},
    ack: false,
    relayFactor: 0,
    timeoutMs: 0,
  };
  serf.query(request, {
    onAnswer: hear,
    onDone: () =>
      onDone({
        members: expected.length,
        succeeded: answered.size - Object.keys(failures).length,
        failures,
        silent: expected.filter((name) => !answered.has(name)),
        keys,
        primaryKeys,
        rings,
      }),
  });
}

function presentMembers({ members }: Parts): string[] {
  return [...members.order]
    .filter((number) => ['alive', 'suspect'].includes(members.belief(number)))
    .map((number) => members.record(number).name);
}
