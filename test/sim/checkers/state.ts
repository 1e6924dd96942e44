/**
 * All servers compute the same: what each entry did (outcome and events), and now and then the whole state byte by byte.
 */
import type { ServerId } from '../../../proto/raft.ts';
import type { Applied, Fsm } from '../../../server/fsm/fsm.ts';
import { encodeState, viewState } from '../../../server/fsm/snapshot.ts';
import { mixBytes, mixText, noChain } from './chain.ts';
import type { Findings } from './findings.ts';

export class StateChecker {
  readonly #findings: Findings;
  readonly #every: number;
  readonly #effects = new Map<number, number>();
  readonly #states = new Map<number, number>();

  /** Each `every`th state is compared as a whole. */
  constructor(findings: Findings, every: number) {
    this.#findings = findings;
    this.#every = every;
  }

  applied(server: ServerId, index: number, { outcome, events, firstKept }: Applied, fsm: Fsm): void {
    let effect = mixText(noChain, JSON.stringify(outcome));
    for (const event of events) effect = mixText(effect, JSON.stringify(event));
    this.#compare(this.#effects, server, index, mixText(effect, String(firstKept)), 'what it did');
    if (index % this.#every === 0) this.compareState(server, fsm);
  }

  compareState(server: ServerId, fsm: Fsm): void {
    this.#compare(this.#states, server, fsm.state.index, hashOfState(fsm), 'the whole state');
  }

  #compare(known: Map<number, number>, server: ServerId, index: number, hash: number, what: string): void {
    const other = known.get(index);
    if (other === undefined) known.set(index, hash);
    else {
      this.#findings.check(
        other === hash,
        'state machine safety',
        () => `${server} at entry ${index}: ${what} is not what another server has`,
      );
    }
  }
}

export function hashOfState(fsm: Fsm): number {
  let hash = noChain;
  for (const piece of encodeState(viewState(fsm.state))) hash = mixBytes(hash, piece);
  return hash;
}
