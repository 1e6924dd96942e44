/**
 * The agents of `transitions.ts`, all in one process: each with the real journal, state, anti-entropy and server pool, over
 * the real RPC. Their disks are in memory: what is measured is the way from a journal to the listeners.
 */
import { AntiEntropy } from '../../agent/anti-entropy.ts';
import { hostClock } from '../../agent/host/clock.ts';
import { MemoryDisk } from '../../agent/host/memory-disk.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { Journal } from '../../agent/journal.ts';
import { LocalState } from '../../agent/local-state.ts';
import { ServerPool } from '../../agent/server-pool.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { OwnCheck } from '../../proto/schema/catalog.ts';
import { makeUuid } from '../../proto/uuid.ts';
import { connectRpc, makeRpcHost } from '../../server/rpc/client.ts';
import { tcp } from '../../server/rpc/tcp.ts';

export interface LoadOrder {
  readonly servers: readonly Endpoint[];
  readonly agents: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** What the process answers: `ready`, then how many transitions each agent has recorded, then `delivered`. */
export type LoadNews = 'ready' | 'delivered' | { readonly recorded: Readonly<Record<string, number>> };

const tickMs = 10;
const clock = hostClock();
const random = hostRandom();

class LoadAgent {
  readonly name: string;
  recorded = 0;
  readonly #journal: Journal;
  readonly #state: LocalState;

  private constructor(name: string, journal: Journal) {
    this.name = name;
    this.#journal = journal;
    const ports = { wallMs: () => clock.wallMs(), record: journal.append.bind(journal) };
    this.#state = new LocalState(ports, { services: [], checks: [] });
  }

  static async start(name: string, servers: readonly Endpoint[]): Promise<LoadAgent> {
    const journal = await Journal.open({ disk: new MemoryDisk(), clock, random }, 'journal');
    const agent = new LoadAgent(name, journal);
    agent.#state.putCheck(check);
    await agent.#sync(servers);
    return agent;
  }

  get waiting(): number {
    return this.#journal.length;
  }

  /** The serial number is the output, so a listener knows what is missing. */
  turn(): void {
    this.recorded += 1;
    const status = this.recorded % 2 === 0 ? 'passing' : 'critical';
    this.#state.changeStatus(check.id, status, String(this.recorded), 'check');
  }

  async #sync(servers: readonly Endpoint[]): Promise<void> {
    const nodeId = makeUuid(random);
    const identity = { kind: 'agent', nodeId, node: this.name, clusterId: '' } as const;
    const onBug = (error: unknown) => {
      throw error;
    };
    const host = makeRpcHost({
      clock,
      random,
      network: tcp,
      identity: () => identity,
      defer: setImmediate,
      onBug,
    });
    const pool = new ServerPool({
      clock,
      random,
      connect: (address, signal) => connectRpc(address, host, { signal }),
      servers: () => servers.map((address) => ({ nodeId: '', name: address.host, address })),
      remembered: [],
    });
    const own = {
      node: this.name,
      nodeId,
      address: '192.0.2.1',
      datacenter: 'dc1',
      taggedAddresses: {},
      meta: {},
    };
    const sync = new AntiEntropy({
      clock,
      random,
      rpc: pool,
      journal: this.#journal,
      state: this.#state,
      identity: () => own,
      clusterSize: () => 50,
      onConnected: (listener) => pool.onConnected(listener),
      report() {},
    });
    pool.start();
    sync.start();
  }
}

const check: OwnCheck = {
  ...{ id: 'c', name: 'c', notes: '', status: 'passing', output: '0', serviceId: '', type: 'ttl' },
  definition: {},
};

async function settled(agents: readonly LoadAgent[]): Promise<void> {
  while (agents.some(({ waiting }) => waiting > 0)) {
    await new Promise<void>((resolve) => clock.after(tickMs, resolve));
  }
}

process.once('message', async ({ servers, agents: count, perSecond, seconds }: LoadOrder) => {
  const say = (news: LoadNews) => process.send!(news);
  const agents: LoadAgent[] = [];
  for (let number = 1; number <= count; number++) {
    agents.push(await LoadAgent.start(`load-${number}`, servers));
  }
  await settled(agents);
  say('ready');
  const startMs = clock.nowMs();
  let made = 0;
  const ticking = setInterval(() => {
    const due = Math.min(seconds, (clock.nowMs() - startMs) / 1_000) * perSecond;
    for (; made < Math.floor(due); made++) agents[made % count]!.turn();
    if (made < Math.floor(seconds * perSecond)) return;
    clearInterval(ticking);
    say({ recorded: Object.fromEntries(agents.map(({ name, recorded }) => [name, recorded])) });
    void settled(agents).then(() => say('delivered'));
  }, tickMs);
});

// Nobody is left to tell.
process.once('disconnect', () => process.exit());
