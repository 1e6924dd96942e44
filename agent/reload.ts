/**
 * What a new configuration changes, item by item. Pure: the agent compares, applies what can be applied while it
 * runs and leaves the rest to a restart, by name. A configuration that does not load never gets here, so a broken
 * file changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CheckDefinition, ServiceDefinition } from '../proto/schema/definitions.ts';
import type { AgentConfig } from './config/agent-config.ts';

export interface ItemChange {
  readonly item: 'check' | 'service';
  readonly id: string;
  readonly change: 'added' | 'changed' | 'removed';
}

export interface ConfigDifference {
  /** Services before checks; a check inside of a service is an item of its own. */
  readonly items: readonly ItemChange[];
  /** Keys, spelt as in a file, that take effect at once. */
  readonly live: readonly string[];
  /** Keys that keep their old value until the agent starts anew. */
  readonly restart: readonly string[];
}

type Setting = Exclude<keyof AgentConfig, 'checks' | 'services' | 'secrets' | 'configPaths'>;

/** Every setting has its line, or this does not compile. */
const settings: Readonly<Record<Setting, readonly [key: string, when: 'live' | 'restart']>> = {
  nodeName: ['node_name', 'restart'],
  nodeId: ['node_id', 'restart'],
  nodeMeta: ['node_meta', 'restart'],
  datacenter: ['datacenter', 'restart'],
  bind: ['bind_addr', 'restart'],
  advertise: ['advertise_addr', 'restart'],
  clientHosts: ['client_addr', 'restart'],
  ports: ['ports', 'restart'],
  responseHeaders: ['http_config.response_headers', 'restart'],
  dataDir: ['data_dir', 'restart'],
  dev: ['dev', 'restart'],
  server: ['server', 'restart'],
  bootstrapExpect: ['bootstrap_expect', 'restart'],
  retryJoin: ['retry_join', 'live'],
  retryIntervalMs: ['retry_interval', 'live'],
  startJoin: ['start_join', 'restart'],
  encrypt: ['encrypt', 'restart'],
  templates: ['templates', 'live'],
  checkDefaults: ['defaults', 'live'],
  tls: ['tls', 'live'],
  logLevel: ['log_level', 'live'],
  logJson: ['log_json', 'restart'],
  autoReload: ['auto_reload_config', 'live'],
  enableScriptChecks: ['enable_script_checks', 'live'],
  enableLocalScriptChecks: ['enable_local_script_checks', 'live'],
  checkOutputBytesMax: ['check_output_max_size', 'live'],
  pendingStatus: ['pending_status', 'live'],
  discardCheckOutput: ['discard_check_output', 'live'],
  raftMultiplier: ['performance.raft_multiplier', 'restart'],
  reconnectTimeoutMs: ['reconnect_timeout', 'restart'],
  leaveOnTerminate: ['leave_on_terminate', 'live'],
  gossipProfile: ['gossip_profile', 'restart'],
  gossipTiming: ['gossip_lan', 'restart'],
  gossipLabel: ['gossip_label', 'restart'],
  gossipCrashDetection: ['gossip_crash_detection', 'restart'],
  eventsKeptMax: ['event_log.max_events', 'restart'],
  eventsKeptMs: ['event_log.max_age', 'restart'],
  journalRecordsMax: ['journal.max_records', 'restart'],
  journalBytesMax: ['journal.max_bytes', 'restart'],
};

/** What a reload does to the settings. */
export function compareSettings(
  before: AgentConfig,
  after: AgentConfig,
): Pick<ConfigDifference, 'live' | 'restart'> {
  const changed = (Object.keys(settings) as Setting[]).filter(
    (setting) => !isDeepStrictEqual(before[setting], after[setting]),
  );
  const keys = (when: 'live' | 'restart') =>
    changed.filter((setting) => settings[setting][1] === when).map((setting) => settings[setting][0]);
  return { live: keys('live'), restart: keys('restart') };
}

/** What this host has been told of; `checks` holds those of services too. */
export type Registered = Pick<AgentConfig, 'services' | 'checks'>;

/**
 * What became of services and checks. Compared is what was registered and not the files: one that a client has removed
 * comes back with a reload.
 */
export function compareItems(before: Registered, after: Registered): ItemChange[] {
  return [
    ...comparedItems('service', before.services.map(withoutChecks), after.services.map(withoutChecks)),
    ...comparedItems('check', before.checks, after.checks),
  ];
}

/** `after`, but with the old value of everything that waits for a restart: what the agent runs with from now on. */
export function applyLive(before: AgentConfig, after: AgentConfig): AgentConfig {
  const kept = (Object.keys(settings) as Setting[]).filter((setting) => settings[setting][1] === 'restart');
  return Object.freeze({
    ...after,
    ...Object.fromEntries(kept.map((setting) => [setting, before[setting]])),
  });
}

/** All checks of a configuration, those of services too. */
export function allChecks(config: Pick<AgentConfig, 'checks' | 'services'>): readonly CheckDefinition[] {
  return [...config.checks, ...config.services.flatMap((service) => service.checks)];
}

function withoutChecks({ checks: _, ...service }: ServiceDefinition): Omit<ServiceDefinition, 'checks'> {
  return service;
}

function comparedItems<Item extends { readonly id: string }>(
  item: ItemChange['item'],
  before: readonly Item[],
  after: readonly Item[],
): ItemChange[] {
  const old = new Map(before.map((one) => [one.id, one]));
  const young = new Map(after.map((one) => [one.id, one]));
  const changes: ItemChange[] = [];
  for (const id of old.keys()) if (!young.has(id)) changes.push({ item, id, change: 'removed' });
  for (const [id, one] of young) {
    const earlier = old.get(id);
    if (earlier === undefined) changes.push({ item, id, change: 'added' });
    else if (!isDeepStrictEqual(earlier, one)) changes.push({ item, id, change: 'changed' });
  }
  return changes;
}
