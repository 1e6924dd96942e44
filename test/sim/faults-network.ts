/** What happens to the ways between the servers: bad weather, and partitions of every form. */
import { drawWeather } from './configuration.ts';
import type { FaultTools } from './faults.ts';
import type { SimServer } from './sim-server.ts';

export function strikeNetwork(tools: FaultTools, name: 'weather' | 'partition'): string | null {
  if (name === 'weather') return changeWeather(tools);
  const forms = [split, split, isolate, isolate, deafen, bridge, flap];
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
function isolate({ cluster, random, later }: FaultTools): string {
  const { network, servers, leader } = cluster;
  const lonely = leader !== undefined && random.chance(0.7) ? leader : random.pick(servers);
  const withClients = random.chance(0.5);
  const away = withClients ? cluster.sites : servers.map(({ host }) => host.site);
  for (const site of away) {
    if (site === lonely.host.site) continue;
    network.cut(site, lonely.host.site);
    network.cut(lonely.host.site, site);
  }
  later(200, 12_000, () => network.heal());
  return `${lonely.name} is cut off from the ${withClients ? 'world' : 'servers'}`;
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
