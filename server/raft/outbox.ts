/**
 * What must be on disk before what leaves: the one place of this rule (raft.md 3.1, thesis 3.8 and 10.2.1).
 *
 * A promise that is forgotten in a crash can be broken: a vote cast twice, an entry that was counted and is gone.
 * So what vouches for our disk waits until the newest write before it is durable. Everything else may leave at once,
 * above all the appends of a leader, which may be on their way while its own disk still writes them.
 */
import type { RaftMessage } from '../../proto/raft.ts';

/** `termIsDurable`: whether the sender's current term is on its disk. */
export function waitsForDisk(message: RaftMessage, termIsDurable: boolean): boolean {
  switch (message.type) {
    case 'vote':
      // It names our term, our own vote and a position in our log. Were it sent earlier, a candidate that crashes and
      // comes back with a shorter log could still be elected by the answers to its first request.
      return !message.pre || !termIsDurable;
    case 'voteAnswer':
      return (message.granted && !message.pre) || !termIsDurable;
    case 'appendAnswer':
      return !message.rejected || !termIsDurable;
    default:
      return !termIsDurable;
  }
}

export class Outbox {
  private atOnce: RaftMessage[] = [];
  private afterWrite: RaftMessage[] = [];

  get isEmpty(): boolean {
    return this.atOnce.length === 0 && this.afterWrite.length === 0;
  }

  put(message: RaftMessage, termIsDurable: boolean): void {
    (waitsForDisk(message, termIsDurable) ? this.afterWrite : this.atOnce).push(message);
  }

  /** The term rose before they left. Nobody waits for promises of an older term, and the log may not keep them. */
  dropPromises(): void {
    this.afterWrite = [];
  }

  take(): { messages: readonly RaftMessage[]; messagesAfterWrite: readonly RaftMessage[] } {
    const taken = { messages: this.atOnce, messagesAfterWrite: this.afterWrite };
    this.atOnce = [];
    this.afterWrite = [];
    return taken;
  }
}
