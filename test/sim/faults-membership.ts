/** What operators do to the servers: hand over, take out, add, exchange, or change the voters in one big step. */
import type { FaultTools } from './faults.ts';
import type { SimServer } from './sim-server.ts';

/** Never more servers than this, so that a run does not drown in newcomers. */
const serversMax = 8;

export function strikeMembership(tools: FaultTools): string | null {
  const kinds = [transfer, transfer, add, takeOut, takeOut, exchange, redraw, redraw, part, part];
  return tools.random.pick(kinds)(tools);
}

function transfer({ cluster, random }: FaultTools): string | null {
  const { leader } = cluster;
  if (leader === undefined) return null;
  const heir = random.pick(cluster.servers);
  const result = leader.consensus!.replica.transferLeadership(heir.id);
  return `${leader.name} hands over to ${heir.name}: ${result}`;
}

function add({ cluster }: FaultTools): string | null {
  if (cluster.servers.length >= serversMax) return null;
  const server = cluster.addServer(cluster.newName(), 0);
  server.start();
  return `${server.name} joins`;
}

/** A server gives up its vote and goes, whatever came of it; it comes back with its disk and is taken in again. */
function takeOut({ cluster, random, later }: FaultTools): string | null {
  const server = random.pick(cluster.servers);
  if (!server.host.running || !cluster.leave(server, () => {})) return null;
  later(1_000, 8_000, () => {
    if (server.host.up) server.host.kill();
    later(100, 3_000, () => {
      if (!server.host.up && cluster.servers.includes(server)) server.start();
    });
  });
  return `${server.name} gives up its vote`;
}

/** A server leaves for good, with its disk, and a new one comes. */
function exchange({ cluster, random }: FaultTools): string | null {
  const server = random.pick(cluster.servers);
  if (!server.host.running || cluster.servers.length <= 3) return null;
  const left = cluster.leave(server, () => {
    // Taken in again before the answer came.
    if (cluster.leader === undefined || membersOf(cluster.leader).includes(server.id)) return;
    cluster.tell(`${server.name} is gone`);
    cluster.forget(server);
    cluster.addServer(cluster.newName(), 0).start();
  });
  return left ? `${server.name} leaves for good` : null;
}

/** Voters and learners drawn anew: through the joint phase, whatever the difference. */
function redraw({ cluster, random }: FaultTools): string | null {
  const { leader } = cluster;
  if (leader === undefined) return null;
  const { replica } = leader.consensus!;
  const present = new Set(cluster.servers.map(({ id }) => id));
  const members = random.shuffle(membersOf(leader).filter((id) => present.has(id)));
  const count = random.int(1, members.length + 1);
  const target = { voters: members.slice(0, count), learners: members.slice(count), addresses: {} };
  const result = replica.changeMembership(target);
  // Somebody else wants something else at the same time.
  if (random.chance(0.5)) replica.changeMembership({ ...target, voters: members, learners: [] });
  const named = target.voters.map((id) => nameOf(cluster.servers, id)).join(' ');
  return `voters shall be ${named}: ${'refused' in result ? result.refused : `entry ${result.index}`}`;
}

/** The leader and at most one other shall be all voters, and from that moment on no way leads from them to the others. */
function part({ cluster, random, later }: FaultTools): string | null {
  const { leader, network, servers } = cluster;
  if (leader === undefined) return null;
  const { replica } = leader.consensus!;
  const others = random.shuffle(membersOf(leader).filter((id) => id !== leader.id));
  const count = random.int(0, 2);
  const kept = [leader.id, ...others.slice(0, count)];
  const target = { voters: kept, learners: others.slice(count), addresses: {} };
  const result = replica.changeMembership(target);
  for (const { host: one } of servers.filter(({ id }) => kept.includes(id))) {
    for (const { host: other } of servers.filter(({ id }) => !kept.includes(id))) {
      network.cut(one.site, other.site);
      network.cut(other.site, one.site);
    }
  }
  later(200, 4_000, () => network.heal());
  const named = kept.map((id) => nameOf(servers, id)).join(' ');
  return `${named} shall vote alone and are alone: ${'refused' in result ? result.refused : `entry ${result.index}`}`;
}

function membersOf(leader: SimServer): string[] {
  const { voters, learners } = leader.consensus!.replica.status().membership;
  return [...voters, ...learners];
}

function nameOf(servers: readonly SimServer[], id: string): string {
  return servers.find((server) => server.id === id)?.name ?? id;
}
