/** What the HTTP API is told of its agent. */
import type { Clock, Random } from '../proto/ports.ts';
import type { Rpc } from '../proto/rpc.ts';
import { programVersion } from '../proto/version.ts';
import type { AntiEntropy } from './anti-entropy.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { GossipNews } from './gossip-news.ts';
import type { GossipMembership } from './gossip-thread.ts';
import type { HttpContext } from './http/context.ts';
import type { Journal } from './journal.ts';
import type { KeyRotation } from './key-rotation.ts';
import type { LocalAgent } from './local-agent.ts';
import type { ConfigDifference } from './reload.ts';
import type { ServerPart } from './server-part.ts';
import type { ServerPool } from './server-pool.ts';

export interface HttpContextParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeId: string;
  /** As it is after the last reload. */
  config(): AgentConfig;
  readonly membership: GossipMembership;
  readonly news: GossipNews;
  readonly keyRotation: KeyRotation;
  readonly rpc: Rpc;
  readonly local: LocalAgent;
  readonly journal: Journal;
  readonly server: ServerPart | null;
  readonly pool: ServerPool | null;
  readonly sync: AntiEntropy;
  escapes: HttpContext['escapes'];
  seenAs: HttpContext['seenAs'];
  reload(): Promise<ConfigDifference>;
  leave(): Promise<void>;
  end(): void;
  onBug(error: unknown, where: string): void;
}

export function makeHttpContext(parts: HttpContextParts): HttpContext {
  const { clock, random, membership, rpc, local, journal, server, pool, sync } = parts;
  const { nodeName, datacenter, nodeMeta, responseHeaders } = parts.config();
  return {
    clock,
    random,
    membership,
    rpc,
    local,
    userEvents: parts.news.userEvents,
    localEvents: parts.news.localEvents,
    checkNews: () => parts.news.checks.counts(),
    keys: (operation, key) => membership.keys(operation, key),
    keyRotation: parts.keyRotation,
    facts: {
      node: nodeName,
      nodeId: parts.nodeId,
      datacenter,
      version: programVersion,
      server: server !== null,
      nodeMeta,
      startedAtMs: clock.wallMs(),
    },
    poolStatus: () => pool?.status() ?? null,
    syncStatus: () => sync.status(),
    saved: async () => {
      await Promise.all([local.saved(), journal.settled()]);
    },
    journalLength: () => journal.length,
    raftStatus: () => server?.raftStatus() ?? null,
    shownConfig: () => withoutSecrets(parts.config()),
    escapes: () => parts.escapes(),
    seenAs: () => parts.seenAs(),
    pendingStatus: () => parts.config().pendingStatus,
    scriptsAllowed: () => parts.config().enableScriptChecks,
    checkOutputBytesMax: () => parts.config().checkOutputBytesMax,
    reload: () => parts.reload(),
    leave: () => parts.leave(),
    stop: () => parts.end(),
    responseHeaders,
    onBug: (error, path) => parts.onBug(error, path),
  };
}

/** Definitions may hold tokens, and are shown elsewhere without them. */
function withoutSecrets(config: AgentConfig): Readonly<Record<string, unknown>> {
  const { encrypt, secrets: _secrets, checks: _checks, services: _services, ...rest } = config;
  const { templates: _templates, checkDefaults: _checkDefaults, ...shown } = rest;
  return { ...shown, encrypt: encrypt === null ? null : '(hidden)' };
}
