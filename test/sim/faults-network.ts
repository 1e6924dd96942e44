/** What happens to the ways between the servers: bad weather, partitions of every form, and a leader that oversleeps one. */
import { drawWeather } from './configuration.ts';
import type { FaultTools } from './faults.ts';
import type { SimServer } from './sim-server.ts';

export function strikeNetwork(tools: FaultTools, name: 'weather' | 'partition'): string | null {
  if (name === 'weather') return changeWeather(tools);
  const forms = [split, split, isolate, isolate, isolate, deafen, bridge, flap];
  return tools.random.pick(forms)(tools);
}

function changeWeather({ cluster, random, later }: FaultTools): string {
  const { network, configuration } = cluster;
  network.weather = drawWeather(random, random.pick([0.3, 1, 3]));
  later(1_000, 15_000, () => {
    network.weather = configuration.weather;
  });
  const { lossShare, delayMaxMs } = network.weather;
  return `${Math.round(lossShare * 100)} % lost, up to ${Math.round(delayMaxMs)} ms`;
}

/** Islands of any sizes; agents and clients live on one of them. */
function split({ cluster, random, later }: FaultTools): string {
  const { network, servers } = cluster;
  const islands: string[][] = Array.from({ length: random.int(2, 4) }, () => []);
  for (const site of cluster.sites) random.pick(islands).push(site);
  network.partition(islands);
  later(200, 12_000, () => network.heal());
  const named = islands.map((sites) => namesOn(servers, sites)).filter((names) => names !== '');
  return `islands: ${named.join(' | ')}`;
}

/** One server, often the leader, is cut off from the others; clients may still reach it. */
function isolate(tools: FaultTools): string {
  const { cluster, random, later } = tools;
  const { network, servers, leader } = cluster;
  const lonely = leader !== undefined && random.chance(0.7) ? leader : random.pick(servers);
  const withClients = random.chance(0.5);
  const away = withClients ? cluster.sites : servers.map(({ host }) => host.site);
  for (const site of away) {
    if (site === lonely.host.site) continue;
    network.cut(site, lonely.host.site);
    network.cut(lonely.host.site, site);
  }
  if (!withClients && random.chance(0.3)) crowdAt(tools, lonely, 10);
  later(200, 12_000, () => network.heal());
  return `${lonely.name} is cut off from the ${withClients ? 'world' : 'servers'}`;
}

/**
 * The leader is cut off from the servers and does not notice the time that passes: it falls asleep and wakes some moments
 * before the way is open again, or its clock drags. Clients reach it all the while, and hurry to it.
 */
export function strand(tools: FaultTools): string | null {
  const { cluster, random, later } = tools;
  const { network, servers, leader, configuration } = cluster;
  if (leader === undefined || !leader.host.running) return null;
  const { host } = leader;
  for (const { host: other } of servers) {
    if (other === host) continue;
    network.cut(other.site, host.site);
    network.cut(host.site, other.site);
  }
  if (random.chance(0.4)) {
    // With the drift of the others no more than leases have to stand.
    host.drag(configuration.clockDrift > 0.1 ? 0.9 : 0.7);
    crowdAt(tools, leader, 20);
    later(1_000, 2_500, () => {
      network.heal();
      host.drag(1);
    });
    return `${leader.name} is cut off from the servers, and its clock drags`;
  }
  host.pause();
  later(1_000, random.pick([2_000, 4_000, 6_000]), () => {
    host.resume();
    cluster.tell(`${leader.name} wakes`);
    crowdAt(tools, leader, 10);
    later(50, 1_500, () => network.heal());
  });
  return `${leader.name} falls asleep, cut off from the servers`;
}

/** Clients come one after the other, so many of them. */
function crowdAt({ cluster, random, later }: FaultTools, { host }: SimServer, count: number): void {
  const next = (left: number) => {
    if (left === 0 || cluster.clients.length === 0) return;
    random.pick(cluster.clients).askAt(host.site);
    later(0, 200, () => next(left - 1));
  };
  next(count);
}

/** One direction only. */
function deafen({ cluster, random, later }: FaultTools): string {
  const { network, servers, leader } = cluster;
  const one = leader !== undefined && random.chance(0.5) ? leader : random.pick(servers);
  const others = random.shuffle(servers.filter((server) => server !== one));
  const cut = others.slice(0, random.int(1, others.length + 1));
  const deaf = random.chance(0.5);
  for (const { host } of cut) {
    if (deaf) network.cut(host.site, one.host.site);
    else network.cut(one.host.site, host.site);
  }
  later(200, 12_000, () => network.heal());
  return `${one.name} ${deaf ? 'hears nothing from' : 'is not heard by'} ${namesOf(cut)}`;
}

/** Two sides that do not see each other, and one server that sees both. */
function bridge({ cluster, random, later }: FaultTools): string | null {
  const { network, servers } = cluster;
  const [between, ...others] = random.shuffle(servers);
  if (between === undefined || others.length < 2) return null;
  const left = others.slice(0, Math.floor(others.length / 2));
  const right = others.slice(left.length);
  for (const a of left) {
    for (const b of right) {
      network.cut(a.host.site, b.host.site);
      network.cut(b.host.site, a.host.site);
    }
  }
  later(200, 12_000, () => network.heal());
  return `${between.name} is the bridge between ${namesOf(left)} and ${namesOf(right)}`;
}

/** A way that comes and goes. */
function flap(tools: FaultTools): string {
  const { cluster, random, later } = tools;
  const { network } = cluster;
  const one = random.pick(cluster.servers);
  const again = (left: number) => {
    for (const { host } of cluster.servers) {
      if (host.site !== one.host.site) network.cut(host.site, one.host.site);
    }
    later(50, 1_500, () => {
      network.heal();
      if (left > 0) later(50, 1_500, () => again(left - 1));
    });
  };
  again(random.int(2, 6));
  return `the ways to ${one.name} come and go`;
}

function namesOf(servers: readonly SimServer[]): string {
  return servers.map(({ name }) => name).join(' ');
}

function namesOn(servers: readonly SimServer[], sites: readonly string[]): string {
  return namesOf(servers.filter(({ host }) => sites.includes(host.site)));
}
