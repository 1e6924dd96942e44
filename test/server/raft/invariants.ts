/** What must hold whatever happens (raft.md 10.1): fed with everything that leaves the servers of one world. */
import { assert } from '../../../proto/assert.ts';
import type { RaftMessage, ServerId } from '../../../proto/raft.ts';
import type { Ready } from '../../../server/raft/ready.ts';
import type { TestServer, Watcher } from './harness.ts';

export class Invariants implements Watcher {
  /** Highest index that any server knew to be committed. */
  commitSeen = 0;
  /** Servers that did anything since somebody looked. */
  readonly touched = new Set<TestServer>();
  private readonly leaders = new Map<number, ServerId>();
  private readonly votes = new Map<string, ServerId>();
  private readonly chains = new Map<string, number>();
  private readonly committed = new Map<number, number>();
  private readonly last = new Map<ServerId, { life: number; term: number; commit: number }>();

  /** Nothing leaves that vouches for more than what is on the sender's disk (raft.md 3.1). */
  sent(server: TestServer, message: RaftMessage): void {
    const { hardState } = server.disk;
    const plainTerm = message.type === 'vote' || message.type === 'voteAnswer' ? !message.pre : true;
    if (plainTerm) assert(message.term <= hardState.term, 'the term of a message is on disk');
    if (message.type === 'vote' && !message.pre) {
      this.voted(server.id, message.term, server.id);
      assert(
        hardState.vote === server.id || hardState.term > message.term,
        'a candidate stored its own vote',
      );
      assert(message.lastIndex <= server.disk.lastIndex(), 'a candidate stored the log it names');
    }
    if (message.type === 'voteAnswer' && message.granted && !message.pre) {
      this.voted(server.id, message.term, message.to);
    }
    if (message.type === 'appendAnswer' && !message.rejected) {
      assert(message.index <= server.disk.lastIndex(), 'what is acknowledged is on disk');
    }
  }

  took(server: TestServer, { changed, committed }: Ready): void {
    this.touched.add(server);
    if (changed?.role === 'leader') this.elected(server, changed.term);
    for (const { index } of committed) {
      const chain = server.disk.chainAt(index);
      assert(chain !== undefined, 'what is applied is on disk');
      this.agreed(index, chain);
    }
  }

  /** After each step of the world. */
  observe(server: TestServer, life: number): void {
    const { id, disk, status } = server;
    const { commit, term, applied, lastIndex } = status;
    assert(applied <= commit && commit <= lastIndex, 'applied <= commit <= last');
    const before = this.last.get(id);
    if (before !== undefined) assert(term >= before.term || life !== before.life, 'terms never fall');
    if (before?.life === life) assert(commit >= before.commit, 'commit never falls');
    this.last.set(id, { life, term, commit });
    this.commitSeen = Math.max(this.commitSeen, commit);
    for (let index = Math.max(disk.firstIndex(), disk.lastIndex() - 8); index <= disk.lastIndex(); index++) {
      this.matches(index, disk.term(index)!, disk.chainAt(index)!);
    }
  }

  /** Chain of a committed index, for snapshots. */
  chainOf(index: number): number {
    const chain = this.committed.get(index);
    assert(chain !== undefined, 'snapshots hold what is committed');
    return chain;
  }

  /** Election safety, and leader completeness (paper 5.2, 5.4). */
  private elected(server: TestServer, term: number): void {
    const other = this.leaders.get(term);
    assert(other === undefined || other === server.id, `term ${term} has one leader`);
    this.leaders.set(term, server.id);
    for (let index = server.disk.firstIndex(); index <= this.commitSeen; index++) {
      const chain = this.committed.get(index);
      if (chain === undefined) continue;
      assert(
        server.disk.chainAt(index) === chain,
        `the leader of term ${term} holds committed entry ${index}`,
      );
    }
  }

  private voted(voter: ServerId, term: number, candidate: ServerId): void {
    const key = `${voter}@${term}`;
    const before = this.votes.get(key) ?? candidate;
    assert(before === candidate, `${voter} votes once in term ${term}`);
    this.votes.set(key, candidate);
  }

  /** Log matching (paper 5.3): the chain covers everything before. */
  private matches(index: number, term: number, chain: number): void {
    const key = `${index}@${term}`;
    const before = this.chains.get(key) ?? chain;
    assert(before === chain, `logs with entry ${index} of term ${term} are equal up to it`);
    this.chains.set(key, chain);
  }

  /** State machine safety (paper 5.4.3). */
  private agreed(index: number, chain: number): void {
    const before = this.committed.get(index) ?? chain;
    assert(before === chain, `everybody applies the same at ${index}`);
    this.committed.set(index, chain);
  }
}
