/** All kinds that an agent has. Each is loaded when the first check of it runs. */
import type { Dialer, HostFacts, Http2Client, HttpClient, Resolver } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { CheckKindName, CheckSpec, SpecOf } from '../../proto/schema/definitions.ts';
import type { RunClass } from '../gate.ts';
import type { Sandbox } from '../sandbox.ts';
import type { AliasSource } from './alias.ts';
import type { LeaderClock } from './clock.ts';
import type { CheckKind, Kinds } from './kind.ts';

export interface KindPorts {
  readonly clock: Clock;
  readonly sandbox: Sandbox;
  readonly http: HttpClient;
  readonly http2: Http2Client;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly facts: HostFacts;
  readonly aliases: AliasSource;
  readonly leaderClock: LeaderClock;
  /** `/var/run/docker.sock` on most hosts. */
  readonly dockerSocket: string;
}

/** Kinds that are run; a TTL is only fed. */
type RunKindName = Exclude<CheckKindName, 'ttl'>;

type Entry<Name extends RunKindName> = readonly [
  runClass: RunClass,
  load: (ports: KindPorts) => Promise<CheckKind<SpecOf<Name>>>,
];

const entries: { readonly [Name in RunKindName]: Entry<Name> } = {
  script: ['process', async ({ sandbox }) => (await import('./script.ts')).scriptKind(sandbox)],
  docker: [
    'network',
    async (ports) => (await import('./docker.ts')).dockerKind(ports.http, ports.clock, ports.dockerSocket),
  ],
  os_service: ['process', async ({ sandbox }) => (await import('./os-service.ts')).osServiceKind(sandbox)],
  http: ['network', async ({ http, clock }) => (await import('./http.ts')).httpKind(http, clock)],
  tcp: ['network', async ({ dialer }) => (await import('./tcp.ts')).tcpKind(dialer)],
  udp: ['network', async ({ dialer }) => (await import('./udp.ts')).udpKind(dialer)],
  grpc: ['network', async ({ http2 }) => (await import('./grpc.ts')).grpcKind(http2)],
  h2ping: ['network', async ({ http2 }) => (await import('./h2ping.ts')).h2pingKind(http2)],
  dns: ['network', async ({ resolver }) => (await import('./dns.ts')).dnsKind(resolver)],
  tls: ['network', async ({ dialer, clock }) => (await import('./tls.ts')).tlsKind(dialer, clock)],
  icmp: ['process', async ({ sandbox }) => (await import('./icmp.ts')).icmpKind(sandbox)],
  alias: ['network', async ({ aliases }) => (await import('./alias.ts')).aliasKind(aliases)],
  disk: ['host', async ({ facts, clock }) => (await import('./disk.ts')).diskKind(facts, clock)],
  memory: ['host', async ({ facts }) => (await import('./memory.ts')).memoryKind(facts)],
  load: ['host', async ({ facts }) => (await import('./load.ts')).loadKind(facts)],
  process: ['host', async ({ facts }) => (await import('./process.ts')).processKind(facts)],
  file_age: ['host', async ({ facts, clock }) => (await import('./file-age.ts')).fileAgeKind(facts, clock)],
  clock: ['network', async ({ leaderClock }) => (await import('./clock.ts')).clockKind(leaderClock)],
};

export function checkKinds(ports: KindPorts): Kinds {
  const loaded = new Map<CheckKindName, Promise<CheckKind<CheckSpec>>>();
  return {
    classOf: (kind) => (kind === 'ttl' ? 'host' : entries[kind][0]),
    load(kind) {
      let loading = loaded.get(kind);
      if (loading === undefined) {
        loading =
          kind === 'ttl'
            ? Promise.reject(new Error('a TTL check is fed, not run'))
            : // Each entry takes the spec of its own name; a table over all names cannot say so.
              (entries[kind][1](ports) as Promise<CheckKind<CheckSpec>>);
        loaded.set(kind, loading);
      }
      return loading;
    },
  };
}
