/** All kinds of checks. A new one is a schema, its file in `checks/kinds` and a line in each list. */
import * as host from './host-kinds.ts';
import * as network from './network-kinds.ts';
import * as program from './program-kinds.ts';

/** In the order in which Consul decides on a definition that could be several. */
export const kindSchemas = [
  program.docker,
  program.script,
  network.grpc,
  network.http,
  network.tcp,
  network.udp,
  network.h2ping,
  network.dns,
  network.tls,
  network.icmp,
  host.ttl,
  host.alias,
  program.osService,
  host.disk,
  host.memory,
  host.load,
  host.processes,
  host.fileAge,
  host.clock,
] as const;

/** What one check does: the part of a definition that its kind runs by. */
export type CheckSpec = ReturnType<(typeof kindSchemas)[number]['spec']>;
export type CheckKindName = CheckSpec['kind'];
export type SpecOf<Kind extends CheckKindName> = Extract<CheckSpec, { kind: Kind }>;
