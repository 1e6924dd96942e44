/**
 * The keys of a configuration file, spelt as in Consul. One source for the check of a file, for suggestions and
 * for the JSON Schema that editors use. Definitions of checks and services have a schema of their own in
 * `proto/schema/definitions.ts` and are opaque here.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isUnspecified, parseAddress } from '../../proto/address.ts';
import { parseDuration } from '../../proto/duration.ts';
import { messageOf } from '../../proto/errors.ts';
import { labelBytesMax } from '../../proto/gossip/label.ts';
import { isUuid } from '../../proto/uuid.ts';

/** A rule as zod's superRefine wants it: the function answers what is wrong, or ''. */
function text(wrong: (value: string) => string, noText?: string) {
  return z.string(noText).superRefine((value, context) => {
    const message = wrong(value);
    if (message !== '') context.addIssue({ code: 'custom', message });
  });
}

/** A duration in Go's syntax, at least `min`. */
function duration(minMs: number, min: string) {
  const form = 'must be a duration such as "30s", "5m" or "1h30m"';
  return text((value) => {
    const parsed = parseDuration(value);
    if (!parsed.ok) return `${form}, not "${value}"`;
    return parsed.ms < minMs ? `must be at least ${min}` : '';
  }, form);
}

const address = text((value) => (isIP(value) === 0 ? `must be an IP address, not "${value}"` : ''));

const addresses = text((value) => {
  const wrong = value.split(/\s+/).find((part) => part !== '' && part !== 'localhost' && isIP(part) === 0);
  if (wrong !== undefined) return `must be IP addresses separated by spaces; "${wrong}" is none`;
  return value.trim() === '' ? 'must name at least one address' : '';
});

const member = text((value) => {
  if (/^\s*provider=/.test(value)) return 'cloud auto-join (`provider=…`) does not exist here; name hosts';
  try {
    parseAddress(value, 1);
    return '';
  } catch (error) {
    return messageOf(error);
  }
});

const port = z.number().int().min(-1).max(65_535);

const gossipKeyBytes = [16, 24, 32];

const metaKey = /^[A-Za-z0-9_-]{1,128}$/;
const metaValueMax = 512;
const metaPairsMax = 64;

const nodeMeta = z.record(z.string(), z.string()).superRefine((meta, context) => {
  if (Object.keys(meta).length > metaPairsMax) {
    context.addIssue({ code: 'custom', message: `may have at most ${metaPairsMax} entries` });
  }
  for (const [key, value] of Object.entries(meta)) {
    const add = (message: string) => context.addIssue({ code: 'custom', message, path: [key] });
    if (!metaKey.test(key)) add('a key has 1 to 128 of A-Z a-z 0-9 _ -');
    else if (key.startsWith('consul-')) add('keys that start with "consul-" are reserved');
    if (value.length > metaValueMax) add(`a value has at most ${metaValueMax} characters`);
  }
});

/** The same keys for all listeners and for one of them. */
const tls = z
  .strictObject({
    ca_file: z.string().min(1).describe('Certificates of the authorities that are believed, PEM.'),
    cert_file: z.string().min(1).describe('Certificate of this agent, PEM.'),
    key_file: z.string().min(1).describe('Its key, PEM.'),
    verify_incoming: z.boolean().describe('Take no caller without a certificate of the authority.'),
    verify_outgoing: z.boolean().describe('Call servers over TLS only, and look at their certificates.'),
    verify_server_hostname: z
      .boolean()
      .describe('As verify_outgoing; and the certificate must be one for a server of this datacenter.'),
  })
  .partial();

/** A name of a field as HTTP has it, and a value that stays on its line. */
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

const responseHeaders = z.record(z.string(), z.string()).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const add = (message: string) => context.addIssue({ code: 'custom', message, path: [name] });
    if (!headerName.test(name)) add('is no name of a header');
    else if (!headerValue.test(value)) add('holds a character that a header cannot have');
  }
});

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** Keys that can have a default for all checks: those that mean the same to each kind. */
const checkDefaults = [
  'interval',
  'timeout',
  'retry_interval',
  'recovery_interval',
  'recovery_interval_max',
  'status',
  'success_before_passing',
  'failures_before_warning',
  'failures_before_critical',
  'stale_after',
  'output_max_size',
] as const;

/** Every key; definitions are checked elsewhere. */
export const fileKeys = z.strictObject({
  node_name: text((value) =>
    /^[A-Za-z0-9._-]{1,128}$/.test(value) ? '' : 'must have 1 to 128 of A-Z a-z 0-9 . _ -',
  ).describe('Name of this node, unique in the cluster; default: the host name.'),
  node_id: text((value) => (isUuid(value) ? '' : 'must be a uuid')).describe(
    'Fixes the id of this node; default: made once and kept in the data folder.',
  ),
  node_meta: nodeMeta.describe('Free words about this node, shown in the catalog.'),
  datacenter: text((value) =>
    /^[A-Za-z0-9_-]{1,64}$/.test(value) ? '' : 'must have 1 to 64 of a-z 0-9 _ -',
  ).describe('Only agents of one datacenter form a cluster.'),
  bind_addr: address.describe('IP address on which gossip and server RPC listen.'),
  advertise_addr: text((value) => {
    if (isIP(value) === 0) return `must be an IP address, not "${value}"`;
    return isUnspecified(value) ? `must be an address that others can reach, not "${value}"` : '';
  }).describe('IP address that the others are told; default: bind_addr.'),
  client_addr: addresses.describe('IP addresses, separated by spaces, on which the HTTP API listens.'),
  addresses: z
    .strictObject({ http: addresses.describe('Instead of client_addr for the HTTP API.') })
    .partial()
    .describe('Addresses of single listeners.'),
  ports: z
    .strictObject({
      http: port.describe('HTTP API and page; -1 keeps it closed.'),
      serf_lan: port.min(0).describe('Gossip, UDP and TCP.'),
      server: port.min(0).describe('RPC of servers.'),
      dns: port.describe('DNS; -1 keeps it closed.'),
    })
    .partial()
    .describe('Ports that are opened; 0 lets the system choose.'),
  data_dir: z.string().min(1).describe('Folder for everything that must survive a restart.'),
  server: z.boolean().describe('True: this agent votes and keeps the catalog.'),
  bootstrap: z.boolean().describe('The same as bootstrap_expect: 1.'),
  bootstrap_expect: z
    .number()
    .int()
    .min(0)
    .max(99)
    .describe('So many servers with an empty disk begin a new cluster together.'),
  retry_join: z.array(member).describe('Members to join: HOST[:PORT], tried until one of them answers.'),
  retry_interval: duration(100, '100ms').describe('Time between two rounds of joining.'),
  start_join: z.array(member).describe('As retry_join, tried once.'),
  encrypt: text((value) => {
    const bytes = Buffer.from(value, 'base64');
    const exact = bytes.toString('base64').replaceAll('=', '') === value.replaceAll('=', '');
    return exact && gossipKeyBytes.includes(bytes.length)
      ? ''
      : 'must be 16, 24 or 32 bytes in base64 (`openssl rand -base64 32` makes one)';
  }).describe('Gossip key.'),
  tls: z
    .strictObject({
      defaults: tls.describe('What holds where internal_rpc says nothing.'),
      internal_rpc: tls.describe('RPC of servers.'),
    })
    .partial()
    .describe('Certificates between agents and servers; files are read anew with each reload.'),
  log_level: text((value) => {
    const level = value.toLowerCase();
    return level === 'err' || (logLevels as readonly string[]).includes(level)
      ? ''
      : `must be one of ${logLevels.join(', ')}, not "${value}"`;
  }).describe('trace, debug, info, warn or error.'),
  log_json: z.boolean().describe('One JSON object a line instead of text.'),
  auto_reload_config: z.boolean().describe('Reload whenever a file of the configuration changes.'),
  enable_script_checks: z.boolean().describe('Script checks from files and, at your risk, over the API.'),
  enable_local_script_checks: z.boolean().describe("Script checks from this host's own files."),
  check_output_max_size: z.number().int().min(1).max(1_048_576).describe('Bytes of output kept of a run.'),
  pending_status: z
    .enum(['passing', 'warning', 'critical'])
    .describe("As what a check without a result shows to Consul's clients."),
  discard_check_output: z.boolean().describe('Keep no output of checks at all.'),
  http_config: z
    .strictObject({
      response_headers: responseHeaders.describe('Headers of every answer, such as those of CORS.'),
    })
    .partial()
    .describe('The HTTP API.'),
  performance: z
    .strictObject({ raft_multiplier: z.number().int().min(1).max(10).describe("Stretches Raft's timeouts.") })
    .partial()
    .describe('Timing.'),
  reconnect_timeout: duration(60_000, '1m').describe('A member that failed this long ago is forgotten.'),
  leave_on_terminate: z.boolean().describe('Say goodbye on SIGTERM.'),
  gossip_profile: z.enum(['lan', 'wan', 'local']).describe('Timing of gossip.'),
  gossip_lan: z
    .strictObject({
      gossip_nodes: z.number().int().min(1).max(32).describe('Members that hear from this one at each tick.'),
      gossip_interval: duration(10, '10ms').describe('Time between two ticks of gossip.'),
      probe_interval: duration(100, '100ms').describe('Time between two probes.'),
      probe_timeout: duration(10, '10ms').describe(
        'How long a direct answer may take; shorter than the interval.',
      ),
      suspicion_mult: z
        .number()
        .int()
        .min(1)
        .max(32)
        .describe('Stretches the time that a suspect has to object.'),
      retransmit_mult: z.number().int().min(1).max(32).describe('Scales how often news is repeated.'),
    })
    .partial()
    .describe('Changes to the gossip profile; all members of a cluster should have the same ones.'),
  gossip_label: text((value) => {
    const { length } = Buffer.from(value, 'utf8');
    return length > labelBytesMax ? `takes ${length} bytes of at most ${labelBytesMax}` : '';
  }).describe('Keeps clusters apart that meet on one address: all members of a cluster have the same one.'),
  gossip_crash_detection: z
    .boolean()
    .describe(
      'Take it as evidence when a host says that nobody listens there (TCP refused, ICMP port unreachable); false: only silence counts.',
    ),
  event_log: z
    .strictObject({
      max_events: z.number().int().min(1_000).max(1_000_000_000).describe('Events kept at most.'),
      max_age: duration(60_000, '1m').describe('How long an event is kept.'),
    })
    .partial()
    .describe('Retention of the event log on servers.'),
  journal: z
    .strictObject({
      max_records: z.number().int().min(100).max(10_000_000).describe('Records kept at most.'),
      max_bytes: z.number().int().min(65_536).max(4_294_967_296).describe('Bytes kept at most.'),
    })
    .partial()
    .describe('What this agent keeps while no server answers.'),
  defaults: z
    .strictObject({
      check: z
        .strictObject(Object.fromEntries(checkDefaults.map((key) => [key, z.unknown()])))
        .partial()
        .describe('For every check that does not say otherwise.'),
    })
    .partial()
    .describe('What definitions need not repeat.'),
  templates: z
    .record(
      z.string(),
      z
        .strictObject({
          parameters: z
            .record(
              z.string(),
              z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number, or true or false'),
            )
            .describe('Values where `with` gives none; a parameter without one must be given.'),
          check: z.record(z.string(), z.unknown()).describe('A check with names to fill in.'),
          service: z.record(z.string(), z.unknown()).describe('A service with names to fill in.'),
        })
        .partial(),
    )
    .describe('Definitions with gaps, filled in with `use` and `with`.'),
  check: z.record(z.string(), z.unknown()).describe('One check of this host.'),
  checks: z.array(z.unknown()).describe('Checks of this host.'),
  service: z.record(z.string(), z.unknown()).describe('One service of this host.'),
  services: z.array(z.unknown()).describe('Services of this host.'),
});

export const fileSchema = fileKeys.partial();
export type FileSettings = z.infer<typeof fileSchema>;

/** The names that may stand in the map at this path; undefined where names are free. */
export function keysAt(path: ReadonlyArray<string | number>): readonly string[] | undefined {
  let shape: Record<string, unknown> = fileKeys.shape;
  for (const step of path) {
    const inner = shape[String(step)];
    if (!(inner instanceof z.ZodOptional || inner instanceof z.ZodObject)) return undefined;
    const object: unknown = inner instanceof z.ZodOptional ? inner.unwrap() : inner;
    if (!(object instanceof z.ZodObject)) return undefined;
    shape = object.shape;
  }
  return Object.keys(shape);
}
