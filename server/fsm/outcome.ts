/** How a command ended, the same on every server; the one who proposed it is told. */
import type { ErrorCode } from '../../proto/errors.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Outcome {
  /** Index of the entry in the Raft log. */
  readonly index: number;
  /** Offset of the last event when the command had been applied. */
  readonly offset: number;
  /** Not null: nothing was changed, and why. */
  readonly refused: Refusal | null;
  /** `journal` and `sync`: last revision that the catalog now holds for this journal, else 0. */
  readonly revision: number;
  /** `sync`: rows that differed, else 0. */
  readonly repairs: number;
}

/** What an applier may add to the outcome; nothing for most commands. */
export type Effect = Partial<Pick<Outcome, 'refused' | 'revision' | 'repairs'>>;

export function refuse(code: ErrorCode, message: string): { refused: Refusal } {
  return { refused: { code, message } };
}
