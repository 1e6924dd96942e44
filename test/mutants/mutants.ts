/**
 * Deliberate bugs, one a mutant: a piece of a source file and what stands in its place. A simulator that finds none of
 * them would prove nothing. Each piece must occur exactly once, so a mutant that no longer fits is noticed.
 */
export interface Mutant {
  readonly name: string;
  /** What the program then does wrong. */
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'forget-the-vote',
    bug: 'the vote is not on the disk, so that a crash lets a server vote twice',
    file: 'server/raft-storage.ts',
    from: 'if (hardState) records.push(hardStateRecord(hardState));',
    to: 'if (hardState) records.push(hardStateRecord({ ...hardState, vote: null }));',
  },
  {
    name: 'vote-for-everybody',
    bug: 'one server votes for several candidates in one term',
    file: 'server/raft/follower.ts',
    from: 'return state.vote === request.from || (state.vote === null && state.leader === null);',
    to: 'return state.vote === request.from || state.leader === null;',
  },
  {
    name: 'vote-for-a-shorter-log',
    bug: 'a log of the same last term may be shorter than that of the voter',
    file: 'server/raft/log.ts',
    from: 'return lastIndex >= this.lastIndex;',
    to: 'return true;',
  },
  {
    name: 'count-old-terms',
    bug: 'entries of older terms are committed by counting (figure 8)',
    file: 'server/raft/leader.ts',
    from: 'if (reached > log.commit && log.term(reached) === state.term) {',
    to: 'if (reached > log.commit) {',
  },
  {
    name: 'no-noop',
    bug: 'a new leader appends no entry of its own',
    file: 'server/raft/leader.ts',
    from: "  appendOwn(state, 'noop', [noData]);\n",
    to: '',
  },
  {
    name: 'read-at-an-isolated-leader',
    bug: 'a leader answers reads without asking whether it still leads',
    file: 'server/raft/leader.ts',
    from: 'if (known && (isAlone(state) || leased)) answerRead',
    to: 'if (known) answerRead',
  },
  {
    name: 'count-oneself-before-the-flush',
    bug: 'a leader counts entries that are not on its own disk yet',
    file: 'server/raft/leader.ts',
    from: 'return voter === state.id ? state.log.storedIndex :',
    to: 'return voter === state.id ? state.log.lastIndex :',
  },
  {
    name: 'one-majority-in-the-joint-phase',
    bug: 'during a change of the voters only the new ones are asked',
    file: 'server/raft/quorum.ts',
    from: 'return sets.outgoing === null ? incoming : Math.min(incoming, reachedByMajority(sets.outgoing, positionOf));',
    to: 'return incoming;',
  },
  {
    name: 'no-consistency-check',
    bug: 'entries are appended to whatever stands before them',
    file: 'server/raft/follower.ts',
    from: 'if (log.term(anchor) !== anchorTerm) {',
    to: 'if (log.term(anchor) === null) {',
  },
  {
    name: 'commit-what-was-not-verified',
    bug: 'a follower commits its own tail instead of what the message showed to be equal',
    file: 'server/raft/follower.ts',
    from: 'log.commitTo(Math.min(request.commit, verified));',
    to: 'log.commitTo(Math.min(request.commit, log.lastIndex));',
  },
  {
    name: 'skip-the-flush',
    bug: 'a write counts as stored before it is flushed',
    file: 'proto/store/segment-files.ts',
    from: '{ create: true, durable: true }',
    to: '{ create: true, durable: false }',
  },
  {
    name: 'acknowledge-before-the-flush',
    bug: 'what vouches for a write leaves before the write is durable',
    file: 'server/replica.ts',
    from: 'this.#writes.push({ token: write.token, messages: [...messages] });',
    to: 'this.#send(messages);\n    this.#writes.push({ token: write.token, messages: [] });',
  },
  {
    name: 'apply-out-of-order',
    bug: 'the entries of a batch are applied from the last to the first',
    file: 'server/replica.ts',
    from: 'const applied = committed.map(',
    to: 'const applied = [...committed].reverse().map(',
  },
  {
    name: 'apply-twice',
    bug: 'the last entry of each batch is applied a second time',
    file: 'server/replica.ts',
    from: 'const applied = committed.map(',
    to: 'const applied = [...committed, ...committed.slice(-1)].map(',
  },
  {
    name: 'cut-on-a-late-append',
    bug: 'a late, shorter append takes back what was acknowledged since',
    file: 'server/raft/follower.ts',
    from: 'const news = entries.findIndex((entry) => log.term(entry.index) !== entry.term);',
    to: 'const news = entries.length === 0 ? -1 : 0;',
  },
  {
    name: 'dedup-off',
    bug: 'a write that comes again with its key takes effect again',
    file: 'server/fsm/fsm.ts',
    from: 'if (before !== undefined) return { ...nothing, outcome: before };',
    to: '',
  },
  {
    name: 'snapshot-without-sessions',
    bug: 'a snapshot holds no results of earlier writes',
    file: 'server/fsm/snapshot.ts',
    from: "for (const result of state.sessions.all()) records.push(['result', result]);",
    to: '',
  },
  {
    name: 'compact-before-the-snapshot',
    bug: 'the log is compacted before the snapshot that stands for it is on the disk',
    file: 'server/snapshotter.ts',
    from: '    await snapshots.write(header, encodeState(view));\n    await log.compactTo(header.meta);',
    to: '    await log.compactTo(header.meta);\n    await snapshots.write(header, encodeState(view));',
  },
  {
    name: 'snapshot-before-the-events',
    bug: 'a snapshot is taken while the events before it are not on the disk',
    file: 'server/snapshotter.ts',
    from: '    await events.flushed();\n',
    to: '',
  },
  {
    name: 'term-lost-with-a-snapshot',
    bug: 'installing a snapshot forgets term and vote',
    file: 'server/raft-storage.ts',
    from: 'const hardState = { ...before.hardState, commit };',
    to: 'const hardState = { term: meta.term, vote: null, commit };',
  },
  {
    name: 'trust-the-page-cache',
    bug: 'after an error of the device a start vouches for what it reads from memory',
    file: 'proto/store/recovery.ts',
    from: '    if (unproven < segment.end) await file.write(unproven, bytes.subarray(unproven, segment.end));\n',
    to: '    void [file, bytes, unproven];\n',
  },
  {
    name: 'journal-twice',
    bug: 'records of a journal that come again are applied again',
    file: 'server/fsm/journal.ts',
    from: 'if (record.revision <= revision || revisionBefore(record) > revision) continue;',
    to: 'if (revisionBefore(record) > revision) continue;',
  },
  {
    name: 'journal-before-the-flush',
    bug: 'an agent hands out records that are not on its disk',
    file: 'agent/journal.ts',
    from: '      if (record.revision > this.#durable) break;\n',
    to: '',
  },
  {
    name: 'compare-too-early',
    bug: 'a comparison gives away the number of a record that is not durable',
    file: 'agent/anti-entropy.ts',
    from: '(this.#compareDue && journal.length === 0)',
    to: 'this.#compareDue',
  },
  {
    name: 'listener-starts-again',
    bug: 'after a lost server a listener is read to from where it began',
    file: 'agent/event-feed.ts',
    from: '        after = positionOf(record, after);\n',
    to: '',
  },
  {
    name: 'unknown-is-refused',
    bug: 'a write whose outcome is unknown is called refused when nobody leads afterwards',
    file: 'server/leader-door.ts',
    from: "      mayBeDone ||= isUnknown && work.effect !== 'none';\n",
    to: '',
  },
];
