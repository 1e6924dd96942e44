/**
 * The merged tree → `AgentConfig`: words become milliseconds, absolute paths and lists. The tree holds every
 * default and has passed the schema and the rules, so a value that is missing or of another type is a bug.
 */
import { resolve as resolvePath } from 'node:path';
import { assert } from '../../proto/assert.ts';
import { parseDuration } from '../../proto/duration.ts';
import type { AgentConfig, GossipProfile, LogLevel } from './agent-config.ts';
import type { Definitions } from './definitions.ts';
import { deepFreeze } from './freeze.ts';
import { gossipTiming } from './gossip-timing.ts';
import { type LocatedMap, type Path, toPlain, valueAt } from './located.ts';
import { secretsIn } from './references.ts';
import { resolveTls } from './tls.ts';

export interface ResolveOptions {
  readonly dev: boolean;
  /** Folder that a relative `data_dir` starts from. */
  readonly folder: string;
  readonly configPaths: readonly string[];
}

export function resolveConfig(
  tree: LocatedMap,
  definitions: Definitions,
  options: ResolveOptions,
): AgentConfig {
  const read = reader(tree);
  const ports = {
    http: read.number('ports', 'http'),
    serf: read.number('ports', 'serf_lan'),
    server: read.number('ports', 'server'),
    dns: read.number('ports', 'dns'),
  };
  const config: AgentConfig = {
    nodeName: read.text('node_name'),
    nodeId: read.textOrNull('node_id')?.toLowerCase() ?? null,
    nodeMeta: read.texts('node_meta'),
    datacenter: read.text('datacenter').toLowerCase(),
    bind: { host: read.text('bind_addr'), port: ports.serf },
    advertise: { host: read.text('advertise_addr'), port: ports.serf },
    clientHosts: hosts(read.textOrNull('addresses', 'http') ?? read.text('client_addr')),
    ports,
    responseHeaders: read.texts('http_config', 'response_headers'),
    dataDir: options.dev ? null : resolvePath(options.folder, read.text('data_dir')),
    dev: options.dev,
    server: read.boolean('server'),
    bootstrapExpect: read.number('bootstrap_expect'),
    retryJoin: read.list('retry_join'),
    retryIntervalMs: read.durationMs('retry_interval'),
    startJoin: read.list('start_join'),
    encrypt: read.textOrNull('encrypt'),
    tls: resolveTls(tree, options.folder),
    logLevel: read.text('log_level').toLowerCase().replace(/^err$/, 'error') as LogLevel,
    logJson: read.boolean('log_json'),
    autoReload: read.boolean('auto_reload_config'),
    checks: definitions.checks,
    services: definitions.services,
    templates: read.map('templates'),
    checkDefaults: read.map('defaults', 'check'),
    enableScriptChecks: read.boolean('enable_script_checks'),
    enableLocalScriptChecks: read.boolean('enable_local_script_checks'),
    checkOutputBytesMax: read.number('check_output_max_size'),
    pendingStatus: read.text('pending_status') as AgentConfig['pendingStatus'],
    discardCheckOutput: read.boolean('discard_check_output'),
    raftMultiplier: read.number('performance', 'raft_multiplier'),
    reconnectTimeoutMs: read.durationMs('reconnect_timeout'),
    leaveOnTerminate: read.boolean('leave_on_terminate'),
    gossipProfile: read.text('gossip_profile') as GossipProfile,
    gossipTiming: gossipTiming(tree),
    gossipLabel: read.text('gossip_label'),
    gossipCrashDetection: read.boolean('gossip_crash_detection'),
    eventsKeptMax: read.number('event_log', 'max_events'),
    eventsKeptMs: read.durationMs('event_log', 'max_age'),
    journalRecordsMax: read.number('journal', 'max_records'),
    journalBytesMax: read.number('journal', 'max_bytes'),
    secrets: [...new Set(secretsIn(tree))],
    configPaths: options.configPaths,
  };
  return deepFreeze(config);
}

/** Typed access to the tree. */
function reader(tree: LocatedMap) {
  function value<T>(path: Path, fits: (found: unknown) => found is T): T {
    const found = valueAt(tree, path);
    const plain = found === undefined ? undefined : toPlain(found);
    assert(fits(plain), `the configuration has no usable ${path.join('.')}`);
    return plain;
  }
  const isText = (found: unknown) => typeof found === 'string';
  const isMap = (found: unknown) => typeof found === 'object' && found !== null;
  return {
    text: (...path: string[]): string => value(path, isText),
    textOrNull: (...path: string[]): string | null => (valueAt(tree, path) ? value(path, isText) : null),
    number: (...path: string[]): number => value(path, (found) => typeof found === 'number'),
    boolean: (...path: string[]): boolean => value(path, (found) => typeof found === 'boolean'),
    list: (...path: string[]): readonly string[] =>
      valueAt(tree, path) ? value(path, (found): found is string[] => Array.isArray(found)) : [],
    texts: (...path: string[]): Readonly<Record<string, string>> =>
      valueAt(tree, path)
        ? { ...value(path, (found): found is Record<string, string> => typeof found === 'object') }
        : {},
    map: (...path: string[]): Readonly<Record<string, unknown>> =>
      valueAt(tree, path) ? { ...value(path, isMap) } : {},
    durationMs: (...path: string[]): number => {
      const parsed = parseDuration(value(path, isText));
      assert(parsed.ok, `${path.join('.')} is no duration`);
      return parsed.ms;
    },
  };
}

function hosts(text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return [...new Set(words.map((word) => (word === 'localhost' ? '127.0.0.1' : word)))];
}
