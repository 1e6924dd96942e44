/**
 * Everything that the API needs of its agent, as one object: routes reach nothing else. The parts are described by what
 * is asked of them, so that a test can stand in for any of them.
 */
import type { Outcome } from '../../checks/kinds/kind.ts';
import type { Metric } from '../../checks/perfdata.ts';
import type { Clock, Random } from '../../proto/ports.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { OwnCheck, OwnService } from '../../proto/schema/catalog.ts';
import type { CheckDefinition, ServiceDefinition } from '../../proto/schema/definitions.ts';
import type { CheckStatus } from '../../proto/schema/status.ts';
import type { SyncStatus } from '../anti-entropy.ts';
import type { CheckGossipCounts } from '../check-gossip.ts';
import type { TemplateRequest } from '../config/template-check.ts';
import type { Membership } from '../gossip/membership.ts';
import type { KeyOperation } from '../gossip/serf/internal-queries.ts';
import type { KeyReport } from '../gossip/serf/keys.ts';
import type { KeyRotation } from '../key-rotation.ts';
import type { LocalEvents } from '../local-events.ts';
import type { SeenAs } from '../notices.ts';
import type { ConfigDifference } from '../reload.ts';
import type { PoolStatus } from '../server-pool.ts';
import type { RecentUserEvents } from '../user-events.ts';
import type { Headers } from './answers.ts';
import type { PendingStatus } from './shapes.ts';

/** One check of this host as it is now. */
export interface LocalCheck extends OwnCheck {
  readonly serviceName: string;
  readonly serviceTags: readonly string[];
  /** Unix milliseconds of the last change of status; 0 for what is not run, such as maintenance. */
  readonly changedAtMs: number;
  /** Unix milliseconds of the newest result, whose output this is; 0 when there is none. */
  readonly resultAtMs: number;
  /** That result is from before the agent's start. */
  readonly restored: boolean;
  /** 0 where the check has none. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What the newest run of a check has measured. */
export interface MeasuredCheck {
  readonly check: string;
  /** '' for a check of the node. */
  readonly service: string;
  readonly metrics: readonly Metric[];
}

/** A run that somebody asked for. */
export interface CheckRun {
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Status of the check before and after it. */
  readonly from: CheckStatus;
  readonly to: CheckStatus;
}

export type FeedOutcome = 'fed' | 'unknown' | 'not fed by clients';

/** Services and checks of this host (`agent/local-state.ts` and the check runner behind it). */
export interface LocalAgent {
  /** With the newest output of each. */
  checks(): readonly LocalCheck[];
  /** Those that measure something, since the agent's start. */
  measured(): readonly MeasuredCheck[];
  services(): readonly OwnService[];
  /** Adds or replaces; kept over restarts. `template` is what it was made from. */
  registerCheck(definition: CheckDefinition, template?: TemplateRequest | null): void;
  /** The check that a template of the operator makes of it; rejects with BAD_REQUEST. */
  fillTemplate(request: TemplateRequest): Promise<CheckDefinition>;
  /** False when there is no such check. */
  deregisterCheck(id: string): boolean;
  /** Runs it now, or joins the run under way, and answers when that has ended. */
  runCheck(id: string): Promise<CheckRun | 'unknown' | 'not run'>;
  /** What a client says of a TTL check. */
  feed(id: string, status: 'passing' | 'warning' | 'critical', output: string): FeedOutcome;
  /** Checks of the service that the definition does not name stay unless they are to be replaced. */
  registerService(definition: ServiceDefinition, options: { replaceChecks: boolean }): void;
  deregisterService(id: string): boolean;
  /** `serviceId` null: the whole node. `reason` '' stands for the default sentence. */
  setMaintenance(serviceId: string | null, enable: boolean, reason: string): void;
}

export interface AgentFacts {
  readonly node: string;
  readonly nodeId: string;
  readonly datacenter: string;
  readonly version: string;
  readonly server: boolean;
  readonly nodeMeta: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
}

export interface HttpContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly facts: AgentFacts;
  readonly membership: Membership;
  /** The pool of servers, or on a server its own handlers. */
  readonly rpc: Rpc;
  readonly local: LocalAgent;
  readonly userEvents: Pick<RecentUserEvents, 'list' | 'news'>;
  readonly localEvents: Pick<LocalEvents, 'list' | 'follow' | 'counts'>;
  /** What this agent has told the others of its checks. */
  checkNews(): CheckGossipCounts;
  /** One step on the keyrings of all members; `key` is base64, '' for a list. */
  keys(operation: KeyOperation, key: string): Promise<KeyReport>;
  readonly keyRotation: Pick<KeyRotation, 'status' | 'start' | 'resume' | 'abort'>;
  /** Null on a server, which needs no other one. */
  poolStatus(): PoolStatus | null;
  syncStatus(): SyncStatus;
  /** Resolves when a crash loses nothing of what clients have said: registrations, maintenance, changes of status. */
  saved(): Promise<void>;
  /** Records that the servers have not confirmed. */
  journalLength(): number;
  /** Place in Raft, ready to be shown; null on a plain agent. */
  raftStatus(): Readonly<Record<string, unknown>> | null;
  /** The configuration without its secrets, free in form. */
  shownConfig(): Readonly<Record<string, unknown>>;
  /** Processes that escaped from scripts: ended ones, and those that could only be named. */
  escapes(): { readonly killed: number; readonly strangers: number };
  /** Addresses that are not advertised, from which members see our gossip come. */
  seenAs(): readonly SeenAs[];
  /** As what a check without a result shows to Consul's clients. */
  pendingStatus(): PendingStatus;
  /** Whether script checks may be registered over the API. */
  scriptsAllowed(): boolean;
  /** Bytes of output that a client's word about a check may have. */
  checkOutputBytesMax(): number;
  reload(): Promise<ConfigDifference>;
  /** Says goodbye to the cluster; rejects with QUORUM where that would lose it. */
  leave(): Promise<void>;
  /** Ends the process in good order; called when the answer to `leave` is out. */
  stop(): void;
  readonly responseHeaders: Headers;
  onBug(error: unknown, path: string): void;
}
