/**
 * What is said on 8300: methods, their parameters and answers. One multiplexed connection carries calls
 * (one answer), notices (no answer) and streams (many items) in both directions; frames and handshake are
 * in `server/rpc`. Values are plain data for `proto/codec.ts`.
 */
import type { RaftMessage, SnapshotMeta } from './raft.ts';
import type { CheckRow, NodeRow, OwnCheck, OwnService, ServiceRow } from './schema/catalog.ts';
import type { CommandBody } from './schema/command.ts';
import type { StreamRecord } from './schema/event.ts';
import type { AgentIdentity, JournalRecord } from './schema/journal.ts';

/** How fresh a read must be: leader with a lease, leader confirmed by a quorum round, or any server. */
export type ReadMode = 'default' | 'consistent' | 'stale';

/**
 * What can be asked of the catalog. `name` of a service is its name, never its id. `all` are the three tables as they are,
 * with the nodes that left, which other questions pass over.
 */
export type CatalogQuery =
  | { readonly of: 'all' }
  | { readonly of: 'nodes' }
  | { readonly of: 'node'; readonly node: string }
  | { readonly of: 'services' }
  | { readonly of: 'service'; readonly name: string }
  | { readonly of: 'checks' }
  | { readonly of: 'checksInState'; readonly state: string }
  | { readonly of: 'nodeChecks'; readonly node: string }
  | { readonly of: 'serviceChecks'; readonly name: string };

/** Rows that the query selects; tables it does not touch are empty. */
export interface CatalogRows {
  readonly nodes: readonly NodeRow[];
  readonly services: readonly ServiceRow[];
  readonly checks: readonly CheckRow[];
}

/** Said with every answer that was read from the catalog. */
export interface ReadStanding {
  /** Consul's X-Consul-Index: index of the last change of what was read, at least 1. */
  readonly index: number;
  /** Number of the last event that the answer contains. */
  readonly offset: number;
  readonly logId: string;
  readonly knownLeader: boolean;
  /** Milliseconds since the answering server heard of the leader; 0 on the leader. */
  readonly lastContactMs: number;
}

/** Which events a listener wants. Empty lists and '' select everything. */
export interface EventFilter {
  readonly kinds: readonly string[];
  readonly nodes: readonly string[];
  readonly services: readonly string[];
  readonly checks: readonly string[];
  readonly statuses: readonly string[];
  readonly tags: readonly string[];
  /** Free expression in Consul's filter language. */
  readonly expression: string;
}

/** A reader with a name, or one of several that share a name: the servers remember how far it has come. */
export interface CursorName {
  readonly name: string;
  /** `''` for all events, or `i/n`: the i-th of n shares, by hash of the node, so the order per node holds. */
  readonly share: string;
}

export interface CursorStatus extends CursorName {
  /** Everything up to this offset is confirmed. */
  readonly offset: number;
  /** Events behind it. */
  readonly lag: number;
  /** Somebody reads with it now. */
  readonly taken: boolean;
}

/** Whose past is asked for: a check, or the node itself when `check` is ''. */
export interface HistoryQuery {
  readonly node: string;
  readonly check: string;
  /** Unix milliseconds; the log may begin later. */
  readonly sinceMs: number;
}

/** A time during which a status or state held; the newest has no end. */
export interface HistorySpan {
  readonly status: string;
  readonly fromMs: number;
  readonly toMs: number | null;
  /** Offset of the event that began it; 0 when that one is not known. */
  readonly offset: number;
  /** Of that event; '' in the older spans of a long answer. */
  readonly output: string;
}

export interface HistoryAnswer {
  /** Oldest first. */
  readonly spans: readonly HistorySpan[];
  /** Changes since `sinceMs`, also those whose spans are left out. */
  readonly changes: number;
  /** Time in which it was well, and time of which anything is known, up to `untilMs`. */
  readonly upMs: number;
  readonly knownMs: number;
  readonly untilMs: number;
  /** Since when it has been as it is, also when that was before the question; null when nobody knows. */
  readonly statusSinceMs: number | null;
  /** The log does not go back to `sinceMs`, or there were too many changes and the oldest are left out. */
  readonly truncated: boolean;
  readonly offset: number;
  readonly logId: string;
}

export interface ServerStatus {
  /** RPC address of the leader, or '' when none is known. */
  readonly leader: string;
  readonly leaderName: string;
  /** RPC addresses of the voters. */
  readonly peers: readonly string[];
  readonly clusterId: string;
  readonly logId: string;
  readonly term: number;
  readonly role: string;
  readonly commit: number;
  readonly applied: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** One of the servers in Raft's membership. */
export interface ServerEntry {
  readonly id: string;
  /** '' when the catalog does not know it. */
  readonly node: string;
  readonly address: string;
  readonly leader: boolean;
  readonly voter: boolean;
}

export interface ServersHealth {
  /** How many more voters may be lost before nothing can be written. */
  readonly failureTolerance: number;
  readonly servers: ReadonlyArray<
    ServerEntry & {
      /** State of the member in gossip. */
      readonly state: string;
      readonly healthy: boolean;
      /** Milliseconds since the leader heard of it; -1 when it never did. */
      readonly lastContactMs: number;
      readonly lastIndex: number;
    }
  >;
  readonly term: number;
}

/** What a server without a cluster and a server of one say to each other before there is anything to agree on. */
export interface BootstrapStatus {
  readonly nodeId: string;
  readonly name: string;
  readonly address: string;
  readonly datacenter: string;
  readonly expect: number;
  /** '' while the disk is empty. */
  readonly clusterId: string;
  /** Node ids of the living servers that it sees with its own datacenter and number to expect, itself included, sorted. */
  readonly sees: readonly string[];
  /** False for a minute after it has given up its vote: it is about to stop and is not to be taken in again. */
  readonly joins: boolean;
  /** Newest level of commands that it can apply (`commandLevel`). */
  readonly level: number;
  /** Its log is damaged: it neither votes nor acknowledges until it has been filled anew. */
  readonly damaged: boolean;
}

export interface ClusterSeed {
  readonly clusterId: string;
  readonly logId: string;
  /** Node id and RPC address of each first voter. */
  readonly voters: ReadonlyArray<{ readonly id: string; readonly address: string }>;
  /** Ids that the cluster had before each recovery from a lost quorum: its agents may still go by them. */
  readonly formerly?: readonly string[] | undefined;
}

/** Idempotency of one write over HTTP. */
export interface Once {
  readonly client: string;
  readonly key: string;
}

/** Calls with one answer. */
export interface RpcCalls {
  'catalog.query': {
    params: { query: CatalogQuery; mode: ReadMode; maxStaleMs: number | null };
    answer: ReadStanding & { rows: CatalogRows };
  };
  /** For external nodes: `catalog.register`, `catalog.deregister`; and what operators ask for (`node.left`, `node.reap`). */
  'catalog.write': {
    params: { body: CommandBody; once: Once | null };
    answer: { index: number; offset: number };
  };
  /** Answers the last revision that the catalog now holds for this journal. */
  'journal.deliver': {
    params: { identity: AgentIdentity; journalId: string; records: readonly JournalRecord[] };
    answer: { revision: number };
  };
  /** Whether the catalog holds just the rows of this digest (`rows-digest.ts`), and the journal up to `revision`. */
  'journal.digest': {
    params: { identity: AgentIdentity; journalId: string; revision: number; digest: string };
    answer: { same: boolean };
  };
  /** The rows themselves, for when they differ: what does is repaired, by one entry of the log. */
  'journal.compare': {
    params: {
      identity: AgentIdentity;
      journalId: string;
      revision: number;
      services: readonly OwnService[];
      checks: readonly OwnCheck[];
    };
    /** `repairs` counts rows that differed; `revision` is what the catalog holds for this journal. */
    answer: { repairs: number; revision: number };
  };
  /**
   * The newest output of these checks, which stays on their agent. Any server takes the question, and the one that holds the
   * agent's connection asks it. What the agent does not run, or what would be too much, is left out.
   */
  'agent.output': {
    params: { node: string; checks: readonly string[] };
    answer: { outputs: Readonly<Record<string, { readonly output: string; readonly atMs: number }>> };
  };
  status: { params: Record<string, never>; answer: ServerStatus };
  'bootstrap.status': { params: Record<string, never>; answer: BootstrapStatus };
  /** Taken once by a server with an empty disk; answers the cluster id that it has now. */
  'bootstrap.take': { params: ClusterSeed; answer: { clusterId: string } };
  /**
   * To a server whose log is damaged, once the others have forgotten it: what is left of its log goes, and it begins anew
   * like one that was never there. Rejects with BAD_REQUEST when its log is sound.
   */
  'server.refill': { params: ClusterSeed; answer: Record<string, never> };
  /** A learner or follower pulls the snapshot it was offered; `bytes` is empty at the end. */
  'snapshot.read': {
    params: { meta: SnapshotMeta; position: number };
    answer: { bytes: Uint8Array; size: number };
  };
  /**
   * One step of a restore through the log: pieces are numbered from 1, each step may come twice, and only `finish` has an
   * effect. Rejects with NOT_FOUND when another restore was begun meanwhile, or nobody went on with this one for long.
   */
  'snapshot.restore': {
    params:
      | { step: 'begin'; id: string }
      | { step: 'piece'; id: string; number: number; records: Uint8Array }
      | { step: 'finish'; id: string; pieces: number };
    answer: Record<string, never>;
  };
  /** Confirms all events up to `offset` for a named reader; written at most once a second. Rejects with OFFSET_FUTURE. */
  'cursor.acknowledge': { params: CursorName & { offset: number }; answer: { offset: number } };
  /** Forgets a named reader with all its shares. */
  'cursor.remove': { params: { name: string }; answer: Record<string, never> };
  'cursor.list': { params: Record<string, never>; answer: { cursors: readonly CursorStatus[] } };
  'events.history': { params: HistoryQuery; answer: HistoryAnswer };
  /** This server wants to give up its vote and be forgotten (`rollcall leave`); refused with QUORUM. */
  'server.leave': { params: { nodeId: string }; answer: Record<string, never> };
  /** Who belongs to the servers: as the leader has it, or with `stale` as whoever is asked has it. */
  'server.list': { params: { stale: boolean }; answer: { servers: readonly ServerEntry[] } };
  /** How the servers are, as the leader sees them. */
  'server.health': { params: Record<string, never>; answer: ServersHealth };
  /**
   * Takes the vote of a server, named by its id or its address, and forgets it. Rejects with NOT_FOUND, QUORUM, or BUSY
   * while another change is under way.
   */
  'server.remove': { params: { id: string; address: string }; answer: Record<string, never> };
  /** A learner that has caught up votes at once. Rejects as `server.remove` does. */
  'server.promote': { params: { id: string; address: string }; answer: Record<string, never> };
  /** The leader's wall clock, Unix milliseconds, for whoever wants to know how far off his own is. */
  'leader.time': { params: Record<string, never>; answer: { wallMs: number } };
  /** Asks the leader to hand over to another voter (`''`: whoever is most up to date) and waits until it has. */
  'leader.transfer': { params: { to: string }; answer: Record<string, never> };
}

/** Sent without an answer. */
export interface RpcNotices {
  'raft.messages': { messages: readonly RaftMessage[] };
  /** What spoke for a verdict (agent/gossip/dossier.ts), to whoever leads. */
  'gossip.dossier': { node: string; nodeId: string; incarnation: number; evidence: unknown };
}

/** Many items, until either side ends it. */
export interface RpcStreams {
  /** A snapshot of the state as it is now: as the leader has it, or with `stale` as whoever is asked has it. */
  'snapshot.save': {
    params: { stale: boolean };
    item: (ReadStanding & { meta: SnapshotMeta; size: number; sha256: string }) | { bytes: Uint8Array };
  };
  'events.read': {
    /** `after` null: from now. Items are stream records in order; a server that is behind waits. */
    params: {
      after: number | null;
      logId: string;
      filter: EventFilter;
      /**
       * Reads on behind what this name has confirmed, when `after` is null; a new name begins now. One reader a share: a
       * second one waits until the first has gone or has taken nothing for 10 s.
       */
      cursor?: CursorName;
    };
    item: StreamRecord;
  };
}

export type CallMethod = keyof RpcCalls;
export type NoticeMethod = keyof RpcNotices;
export type StreamMethod = keyof RpcStreams;

/** The caller's side of a connection, or of the pool of all servers, or of this very process. */
export interface Rpc {
  /** Rejects with an `ExpectedError`; TIMEOUT after `timeoutMs` (default 10,000). */
  call<M extends CallMethod>(
    method: M,
    params: RpcCalls[M]['params'],
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<RpcCalls[M]['answer']>;
  /** Ends when the other side ends it, throws an `ExpectedError` when the connection is lost. */
  stream<M extends StreamMethod>(
    method: M,
    params: RpcStreams[M]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncIterable<RpcStreams[M]['item']>;
  /** Best effort: lost when there is no connection. */
  notify<M extends NoticeMethod>(method: M, params: RpcNotices[M]): void;
}

/** Who is at the other end of a connection, as its handshake proved. */
export interface RpcPeer {
  readonly nodeId: string;
  readonly node: string;
  readonly kind: 'agent' | 'server';
  /** '' for somebody who has no cluster yet. */
  readonly clusterId: string;
  /** See `ClusterSeed`; said by servers only. */
  readonly formerly?: readonly string[];
}

/** The answering side: one function per method. Streams stop when `signal` aborts. */
export type RpcHandlers = {
  calls: {
    [M in CallMethod]: (params: RpcCalls[M]['params'], peer: RpcPeer) => Promise<RpcCalls[M]['answer']>;
  };
  notices: { [M in NoticeMethod]: (params: RpcNotices[M], peer: RpcPeer) => void };
  streams: {
    [M in StreamMethod]: (
      params: RpcStreams[M]['params'],
      peer: RpcPeer,
      signal: AbortSignal,
    ) => AsyncIterable<RpcStreams[M]['item']>;
  };
};
