/** Writes that the disk has not confirmed, in order, and the messages that must not leave before it has. */
import type { RaftMessage } from '../proto/raft.ts';

export class WritesUnderWay {
  readonly #writes: Array<{ readonly token: number; readonly messages: RaftMessage[] }> = [];

  get count(): number {
    return this.#writes.length;
  }

  begin(token: number, messages: readonly RaftMessage[]): void {
    this.#writes.push({ token, messages: [...messages] });
  }

  /** These wait for the newest write. False when none is under way, so that nothing holds them. */
  hold(messages: readonly RaftMessage[]): boolean {
    const newest = this.#writes.at(-1);
    newest?.messages.push(...messages);
    return newest !== undefined;
  }

  /** This write is durable, and with it all before it. Answers what may leave now, a list a write. */
  end(token: number): RaftMessage[][] {
    const count = this.#writes.findLastIndex((write) => write.token <= token) + 1;
    return this.#writes.splice(0, count).map(({ messages }) => messages);
  }
}
