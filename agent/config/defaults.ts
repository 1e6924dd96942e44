/** What holds when nobody says otherwise, in the keys of a file. Layers above it: files, then flags. */
import { fromPlain, type LocatedMap } from './located.ts';

const defaults = {
  datacenter: 'dc1',
  // Every address of the host; the others are told one of them, see advertise.ts.
  bind_addr: '0.0.0.0',
  client_addr: '127.0.0.1',
  ports: { http: 8500, serf_lan: 8301, server: 8300, dns: 8600 },
  server: false,
  bootstrap_expect: 0,
  // Consul waits 30 s; members that find each other late are the first thing a newcomer meets.
  retry_interval: '5s',
  log_level: 'info',
  log_json: false,
  auto_reload_config: false,
  enable_script_checks: false,
  enable_local_script_checks: false,
  // Bytes, as in Consul.
  check_output_max_size: 4096,
  discard_check_output: false,
  pending_status: 'critical',
  // Consul's 5 is made for small machines; 1 is what it advises for production.
  performance: { raft_multiplier: 1 },
  reconnect_timeout: '72h',
  leave_on_terminate: true,
  gossip_profile: 'lan',
  gossip_label: '',
  gossip_crash_detection: true,
  // 30 days.
  event_log: { max_events: 1_000_000, max_age: '720h' },
  // 64 MiB.
  journal: { max_records: 100_000, max_bytes: 67_108_864 },
};

/** A cluster of one on this machine, to try things out. */
const devDefaults = {
  bind_addr: '127.0.0.1',
  server: true,
  bootstrap_expect: 1,
  gossip_profile: 'local',
};

export const defaultPlace = { file: 'default', line: 0, column: 0 } as const;
const devPlace = { file: '--dev', line: 0, column: 0 } as const;

export function defaultLayer(): LocatedMap {
  return fromPlain(defaults, defaultPlace) as LocatedMap;
}

export function devLayer(): LocatedMap {
  return fromPlain(devDefaults, devPlace) as LocatedMap;
}
