/**
 * Keys of Consul's agent that mean nothing here. A configuration that was made for Consul may hold them: each
 * is a warning, so that nobody believes it has an effect, and no error, so that the file loads.
 */

const groups: Readonly<Record<string, string>> = {
  '': `
    acl acl_agent_master_token acl_agent_token acl_datacenter acl_default_policy acl_down_policy
    acl_enable_key_list_policy acl_enforce_version_8 acl_master_token acl_replication_token acl_token acl_ttl
    advertise_addr_ipv4 advertise_addr_ipv6 advertise_addr_wan advertise_addr_wan_ipv4 advertise_addr_wan_ipv6
    advertise_reconnect_timeout alt_domain audit auto_config auto_encrypt autopilot
    ca_file ca_path cache cert_file check_update_interval cloud config_entries connect default_intention_policy
    default_query_time disable_anonymous_signature disable_coordinates disable_host_node_id
    disable_http_unprintable_char_filter disable_keyring_file disable_remote_exec disable_update_check
    discovery_max_stale dns_config domain enable_acl_replication enable_agent_tls_for_checks
    enable_central_service_config enable_debug enable_syslog encrypt_verify_incoming encrypt_verify_outgoing
    experiments gossip_wan key_file license_path limits locality log_file
    log_rotate_bytes log_rotate_duration log_rotate_max_files max_query_time non_voting_server partition
    peering pid_file primary_datacenter primary_gateways primary_gateways_interval protocol raft_logstore
    raft_protocol raft_snapshot_interval raft_snapshot_threshold raft_trailing_logs read_replica
    reconnect_timeout_wan recursor recursors rejoin_after_leave reporting retry_interval_wan retry_join_wan
    retry_max retry_max_wan rpc rpc_protocol segment segments serf_lan serf_lan_allowed_cidrs serf_wan
    serf_wan_allowed_cidrs server_name server_rejoin_age_max session_ttl_min skip_leave_on_interrupt
    start_join_wan syslog_facility tagged_addresses telemetry tls_cipher_suites tls_min_version
    tls_prefer_server_cipher_suites token translate_wan_addrs ui ui_config ui_content_path ui_dir unix_sockets
    use_streaming_backend verify_incoming verify_incoming_https verify_incoming_rpc verify_outgoing
    verify_server_hostname version watches xds`,
  addresses: 'dns grpc grpc_tls https',
  http_config: 'allow_write_http_from block_endpoints max_header_bytes use_cache',
  ports: `expose_max_port expose_min_port grpc grpc_tls https rpc serf_wan sidecar_max_port sidecar_min_port`,
  tls: 'grpc https',
  'tls.defaults': 'ca_path tls_cipher_suites tls_min_version',
  'tls.internal_rpc': 'ca_path tls_cipher_suites tls_min_version',
  performance: 'grpc_keepalive_interval grpc_keepalive_timeout leave_drain_time rpc_hold_timeout',
};

const known = new Map(
  Object.entries(groups).map(([group, words]) => [group, new Set(words.trim().split(/\s+/))] as const),
);

/** Whether Consul knows this key in this block (`''`: at the top, `ports`, …), and we do not. */
export function isConsulKey(block: string, key: string): boolean {
  return known.get(block)?.has(key) ?? false;
}

/** What Consul knows in this block and we do not. */
export function consulKeysOf(block: string): readonly string[] {
  return [...(known.get(block) ?? [])];
}
