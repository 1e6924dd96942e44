/** Each promise of Raft, broken on purpose: the checker says which one. */
import { beforeEach, expect, test } from 'vitest';
import type { Entry, HardState, Membership, RaftMessage } from '../../../proto/raft.ts';
import { encodeMembership } from '../../../server/raft/membership.ts';
import { Findings } from './findings.ts';
import { RaftChecker, type WatchedLog, type WatchedServer } from './raft.ts';

/** A server whose disk a test writes as it likes. */
class Puppet implements WatchedServer {
  readonly id: string;
  role = 'follower';
  term = 0;
  commit = 0;
  membership: Membership = { voters: ['a', 'b', 'c'], outgoing: null, learners: [], addresses: {} };
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  entries: Entry[] = [];

  constructor(id: string) {
    this.id = id;
  }

  readonly log: WatchedLog = ((puppet: Puppet) => ({
    get hardState() {
      return puppet.hardState;
    },
    snapshot: () => undefined,
    firstIndex: () => 1,
    lastIndex: () => puppet.entries.length,
    term: (index: number) => puppet.entries[index - 1]?.term,
    slice: (from: number, to: number) => puppet.entries.slice(from - 1, to - 1),
  }))(this);

  /** Everything of this term and vote is on the disk. */
  holds(term: number, vote: string | null = null): this {
    this.term = term;
    this.hardState = { term, vote, commit: 0 };
    return this;
  }

  store(...entries: Entry[]): this {
    for (const entry of entries) {
      this.entries.length = entry.index - 1;
      this.entries.push(entry);
    }
    return this;
  }

  leads(term: number): this {
    this.holds(term, this.id).role = 'leader';
    return this;
  }
}

function entry(index: number, term: number, text = `${index}`): Entry {
  return { index, term, kind: 'command', data: Buffer.from(text) };
}

function vote(from: string, to: string, term: number, lastIndex = 0): RaftMessage {
  return { type: 'vote', from, to, term, pre: false, transfer: false, lastIndex, lastTerm: 0 };
}

function grant(from: string, to: string, term: number, pre = false): RaftMessage {
  return { type: 'voteAnswer', from, to, term, pre, granted: true };
}

function accept(from: string, to: string, term: number, index: number): RaftMessage {
  return { type: 'appendAnswer', from, to, term, rejected: false, index, hintIndex: 0, hintTerm: 0 };
}

let findings: Findings;
let checker: RaftChecker;
let a: Puppet;
let b: Puppet;
let c: Puppet;

beforeEach(() => {
  findings = new Findings();
  checker = new RaftChecker(findings);
  [a, b, c] = [new Puppet('a'), new Puppet('b'), new Puppet('c')];
});

const rules = () => findings.list.map(({ rule }) => rule);

test('an ordinary life breaks nothing', () => {
  a.holds(1, 'a');
  checker.sending(a, vote('a', 'b', 1));
  checker.sending(b.holds(1, 'a'), grant('b', 'a', 1));
  checker.elected(a.leads(1));
  a.store(entry(1, 1), entry(2, 1));
  checker.sending(b.store(entry(1, 1), entry(2, 1)), accept('b', 'a', 1, 2));
  checker.applied(a, entry(1, 1));
  checker.applied(a, entry(2, 1));
  checker.applied(b, entry(1, 1));
  checker.opened(b);
  checker.elected(b.leads(2));
  expect(findings.list).toEqual([]);
  expect([checker.committedIndex, checker.elections]).toEqual([2, 2]);
});

test('two leaders in one term', () => {
  checker.elected(a.leads(3));
  checker.elected(b.leads(3));
  expect(rules()).toEqual(['election safety']);
});

test('two votes in one term, also by a server that forgot the first one in a crash', () => {
  checker.sending(c.holds(2, 'a'), grant('c', 'a', 2));
  checker.sending(c.holds(2, 'b'), grant('c', 'b', 2));
  expect(rules()).toEqual(['one vote a term']);
});

test('a pre-vote is no vote', () => {
  checker.sending(c.holds(2), grant('c', 'a', 5, true));
  checker.sending(c.holds(2), grant('c', 'b', 5, true));
  expect(rules()).toEqual([]);
});

test.each<[string, () => void]>([
  ['the vote', () => checker.sending(c.holds(2, null), grant('c', 'a', 2))],
  ['its term', () => checker.sending(c.holds(1, 'a'), grant('c', 'a', 2))],
  ['the vote for itself', () => checker.sending(a.holds(2, null), vote('a', 'b', 2))],
  ['the log it names', () => checker.sending(a.holds(2, 'a').store(entry(1, 1)), vote('a', 'b', 2, 2))],
  ['entry 2', () => checker.sending(b.holds(1).store(entry(1, 1)), accept('b', 'a', 1, 2))],
])('said before %s is on the disk', (what, say) => {
  say();
  expect(rules()).toEqual(['durability']);
  expect(findings.list[0]!.text).toContain(`before ${what} is on its disk`);
});

test('a vote is forgotten in a crash', () => {
  checker.sending(c.holds(2, 'a'), grant('c', 'a', 2));
  checker.opened(c.holds(2, null));
  expect(rules()).toEqual(['durability']);
});

test('an entry that was vouched for is forgotten in a crash', () => {
  checker.sending(b.holds(2).store(entry(1, 1), entry(2, 2)), accept('b', 'a', 2, 2));
  b.entries.pop();
  checker.opened(b);
  expect(rules()).toEqual(['durability']);
});

test('in a later term the entry may have been cut', () => {
  checker.sending(b.holds(2).store(entry(1, 1), entry(2, 2)), accept('b', 'a', 2, 2));
  b.entries.pop();
  checker.opened(b.holds(3));
  expect(rules()).toEqual([]);
});

test('logs with one entry in common differ before it', () => {
  checker.opened(a.holds(2).store(entry(1, 1, 'x'), entry(2, 2)));
  checker.opened(b.holds(2).store(entry(1, 1, 'y'), entry(2, 2)));
  expect(new Set(rules())).toEqual(new Set(['log matching']));
});

test('a leader lacks a committed entry', () => {
  checker.sending(b.holds(1).store(entry(1, 1)), accept('b', 'a', 1, 1));
  checker.applied(a.leads(1).store(entry(1, 1)), entry(1, 1));
  checker.elected(c.leads(2));
  expect(rules()).toEqual(['leader completeness']);
});

test('a leader that learns late of its election need not have what a later term has committed', () => {
  checker.elected(a.leads(3));
  checker.sending(b.holds(3).store(entry(1, 3)), accept('b', 'a', 3, 1));
  checker.applied(a.store(entry(1, 3)), entry(1, 3));
  checker.elected(c.leads(2));
  expect(rules()).toEqual([]);
  checker.elected(c.leads(4));
  expect(rules()).toEqual(['leader completeness']);
});

test('a leader has another entry where one is committed', () => {
  checker.sending(b.holds(1).store(entry(1, 1)), accept('b', 'a', 1, 1));
  checker.applied(a.leads(1).store(entry(1, 1)), entry(1, 1));
  checker.elected(c.leads(3).store(entry(1, 2)));
  expect(rules()).toEqual(['leader completeness']);
});

test('two servers apply different entries', () => {
  checker.applied(a, entry(1, 1, 'x'));
  checker.applied(b, entry(1, 1, 'y'));
  expect(rules()).toEqual(['state machine safety']);
});

test('entries are applied out of order, or twice', () => {
  checker.applied(a, entry(1, 1));
  checker.applied(a, entry(1, 1));
  checker.applied(a, entry(3, 1));
  expect(rules()).toEqual(['order', 'order']);
});

test('committed by a minority', () => {
  checker.applied(a.leads(1).store(entry(1, 1)), entry(1, 1));
  expect(rules()).toEqual(['commit by majority']);
});

test.each([
  ['before one of its own term is there', 0, ['commit in the own term']],
  ['with one of its own term that a majority holds', 1, []],
  ['which it inherited as committed', 2, []],
])('an entry of an older term is committed %s', (_, way, broken) => {
  const old = entry(1, 1);
  const own = entry(2, 3);
  const log = way === 1 ? [old, own] : [old];
  checker.sending(b.holds(3).store(...log), accept('b', 'a', 3, log.length));
  a.commit = way === 2 ? 1 : 0;
  checker.elected(a.leads(3).store(old));
  checker.applied(a.store(old, own), old);
  expect([...new Set(rules())]).toEqual(broken);
});

test('in the joint phase both majorities count', () => {
  const joint = { voters: ['a', 'd', 'e'], outgoing: ['a', 'b', 'c'], learners: [], addresses: {} };
  checker.sending(b.holds(1).store(entry(1, 1)), accept('b', 'a', 1, 1));
  a.leads(1).store(entry(1, 1)).membership = joint;
  checker.applied(a, entry(1, 1));
  expect(rules()).toEqual(['commit by majority']);
  expect(findings.list[0]!.text).toContain('1 of 3');
});

test('a change of the voters is committed by both majorities, though the leader may have ended the joint phase by now', () => {
  const joint = { voters: ['a'], outgoing: ['a', 'b', 'c'], learners: [], addresses: {} };
  const change: Entry = { index: 1, term: 1, kind: 'membership', data: encodeMembership(joint) };
  a.leads(1).store(change).membership = { ...joint, outgoing: null };
  checker.applied(a, change);
  expect(rules()).toEqual(['commit by majority']);
});

const beat = (from: string, term: number, commit: number): RaftMessage => {
  return { type: 'heartbeat', from, to: 'b', term, commit, round: 1 };
};

test('a leader tells of a commit that is on its disk alone', () => {
  a.leads(1).store(entry(1, 1), entry(2, 1));
  checker.sending(b.holds(1).store(entry(1, 1)), accept('b', 'a', 1, 1));
  for (a.commit = 0; a.commit <= 2; a.commit++) {
    expect(rules()).toEqual([]);
    checker.sending(a, beat('a', 1, a.commit));
  }
  expect(rules()).toEqual(['commit by majority']);
});

test('a leader that hears of a higher term leads on', () => {
  checker.received(a.leads(2), accept('b', 'a', 2, 1));
  checker.received(a, vote('b', 'a', 3));
  expect(rules()).toEqual([]);
  checker.received(a, accept('b', 'a', 3, 1));
  expect(rules()).toEqual(['one leader at a time']);
});
