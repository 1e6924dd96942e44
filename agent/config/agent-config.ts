/**
 * What an agent runs with: one checked, frozen object. Files, flags and defaults end here; whoever needs a
 * setting takes it from this object, and nobody else reads a configuration file.
 */
import type { Endpoint } from '../../proto/ports.ts';
import type { CheckDefinition, ServiceDefinition } from '../../proto/schema/definitions.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Timing of gossip: `lan` within a site, `wan` between sites, `local` for many agents on one machine. */
export type GossipProfile = 'lan' | 'wan' | 'local';

export interface GossipTiming {
  readonly gossipNodes?: number;
  readonly gossipIntervalMs?: number;
  readonly probeIntervalMs?: number;
  readonly probeTimeoutMs?: number;
  readonly suspicionMultiplier?: number;
  readonly retransmitMultiplier?: number;
}

/** Ports that this agent opens; 0 lets the system choose, -1 keeps one closed. */
export interface AgentPorts {
  /** HTTP API and page. */
  readonly http: number;
  /** Gossip, UDP and TCP. */
  readonly serf: number;
  /** RPC of servers; plain agents only connect to it. */
  readonly server: number;
  readonly dns: number;
}

/** Certificates for RPC; paths are absolute, '' where there is none. */
export interface TlsConfig {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly verifyIncoming: boolean;
  readonly verifyOutgoing: boolean;
  readonly verifyServerHostname: boolean;
}

export interface AgentConfig {
  readonly nodeName: string;
  /** Uuid that the operator fixed with `node_id`; null: the one of the data folder, made on first start. */
  readonly nodeId: string | null;
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly datacenter: string;
  /** Where gossip listens; servers listen for RPC on the same host. */
  readonly bind: Endpoint;
  /** What the others are told: never an unspecified address. */
  readonly advertise: Endpoint;
  /** Addresses of the HTTP API (and of DNS); at least one. */
  readonly clientHosts: readonly string[];
  readonly ports: AgentPorts;
  /** Headers of every answer of the HTTP API. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Absolute path; null keeps everything in memory (`--dev`). */
  readonly dataDir: string | null;
  readonly dev: boolean;
  readonly server: boolean;
  /** How many servers begin a new cluster together; 0: this one never begins one. */
  readonly bootstrapExpect: number;
  /** `host`, `host:port`, `[::1]:port` or `::1`; the port defaults to that of gossip. */
  readonly retryJoin: readonly string[];
  readonly retryIntervalMs: number;
  /** Tried once at start, as `retry_join` is for ever. */
  readonly startJoin: readonly string[];
  /** Gossip key, base64 of 16, 24 or 32 bytes. */
  readonly encrypt: string | null;
  /** Null: RPC goes over plain TCP. */
  readonly tls: TlsConfig | null;
  readonly logLevel: LogLevel;
  readonly logJson: boolean;
  /** Reload whenever a file of the configuration changes. */
  readonly autoReload: boolean;
  /** Checks of the host; those of a service are in its definition. */
  readonly checks: readonly CheckDefinition[];
  readonly services: readonly ServiceDefinition[];
  /** As they stand in the files, with references filled in: clients may name them, see template-check.ts. */
  readonly templates: Readonly<Record<string, unknown>>;
  /** `defaults.check` */
  readonly checkDefaults: Readonly<Record<string, unknown>>;
  /** Script checks from files and over the API. */
  readonly enableScriptChecks: boolean;
  /** Script checks from this host's own files. */
  readonly enableLocalScriptChecks: boolean;
  /** The agent's own limit on the output that is kept of a run, in bytes. */
  readonly checkOutputBytesMax: number;
  /** As what a check without a result shows to Consul's clients. */
  readonly pendingStatus: 'passing' | 'warning' | 'critical';
  readonly discardCheckOutput: boolean;
  /** Stretches Raft's timeouts, 1 to 10. */
  readonly raftMultiplier: number;
  /** A member that failed this long ago is forgotten. */
  readonly reconnectTimeoutMs: number;
  /** Say goodbye to the others on SIGTERM, so that a planned stop is no failure. */
  readonly leaveOnTerminate: boolean;
  readonly gossipProfile: GossipProfile;
  /** Changes to the profile (`gossip_lan`): what `GossipConfig` calls the same. */
  readonly gossipTiming: GossipTiming;
  /** Keeps clusters apart that meet on one address; '' for none. */
  readonly gossipLabel: string;
  /** What a host says of a closed port is evidence that a process is gone. */
  readonly gossipCrashDetection: boolean;
  /** Retention of the event log on servers: whichever limit is met first. */
  readonly eventsKeptMax: number;
  readonly eventsKeptMs: number;
  /** Bounds of what this agent keeps while no server answers. */
  readonly journalRecordsMax: number;
  readonly journalBytesMax: number;
  /** What came in through `${env:…}` and `${file:…}`: to be kept out of everything that is shown. */
  readonly secrets: readonly string[];
  /** Files and folders that were read, in order, for a reload. */
  readonly configPaths: readonly string[];
}
