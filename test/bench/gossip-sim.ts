/**
 * What only a simulator can show: the real core in thousands of members, in virtual time. The seed is printed first; the same
 * seed gives the same figures, those of `speed` apart.
 *
 *     npm run build
 *     node dist/test/bench/gossip-sim.js spread     [--seed S] [--members 5000] [--rounds 1] [--after-ms 0]
 *     node dist/test/bench/gossip-sim.js load       [--seed S]
 *     node dist/test/bench/gossip-sim.js speed      [--seed S] [--members 1000]
 *     node dist/test/bench/gossip-sim.js lifeguard  [--seed S] [--block messages] [--open-ms 250] [--all]
 *
 * `spread`: 25 % of all datagrams lost, 10 % of the members dark for `--after-ms` when a user event is fired. `load`: a quiet
 * cluster of 100, 1,000 and 5,000. `speed`: one virtual minute. `lifeguard`: see `test/sim/lifeguard.ts`; `--all` takes every
 * configuration and a finer grid, and an hour instead of minutes. 5,000 members need 2 GiB of memory, and 8 while `load` lets
 * them behave as stock agents, which takes a quarter of an hour.
 *
 * Seed 11 (2026-11-22): `spread` reaches 4,500 of 4,500, half of them after 0.5 s, the last after 1.1 s. `load`: 212.8, 214.8
 * and 216.6 bytes a second and member, push/pull 1.6, 1.4 and 1.4 beside that. `lifeguard`: 74,412 false verdicts with plain
 * SWIM, 3,604 with Lifeguard, none with ours; seed 29: 72,357, 3,657 and 1.
 */
import { parseArgs } from 'node:util';
import { GossipCluster } from '../sim/gossip-cluster.ts';
import { type Detector, detectors, type FalseVerdicts, runLifeguard } from '../sim/lifeguard.ts';
import { spreadNews } from '../sim/news-spread.ts';
import { quietLoad } from '../sim/quiet-load.ts';
import { machineLine } from './figures.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    members: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    'after-ms': { type: 'string', default: '0' },
    block: { type: 'string', default: 'messages' },
    'open-ms': { type: 'string', default: '250' },
    all: { type: 'boolean', default: false },
  },
});
const { seed } = values;

function spread(): void {
  const members = Number(values.members ?? 5_000);
  const firedAfterMs = Number(values['after-ms']);
  let living = 0;
  let told = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    const result = spreadNews({
      seed: `${seed}/${round}`,
      members,
      lossShare: 0.25,
      deadShare: 0.1,
      firedAfterMs,
      withinMs: 4_000,
    });
    living += result.living;
    told += result.told;
    console.log(
      `${result.told} of ${result.living} know: half after ${seconds(result.halfMs)}, the last after ${seconds(result.lastMs)}`,
    );
  }
  console.log(`${percent(told / living, 3)} within 4 s (at least 99.99 %)`);
}

function load(): void {
  const forMs = 60_000;
  const rows = [100, 1_000, 5_000].map((members) => {
    const kin = quietLoad({ seed, members, kin: true, forMs });
    // The whole table of 5,000 again and again takes long to simulate; half a minute is enough for an average.
    const stock = quietLoad({ seed, members, kin: false, forMs: forMs / 2 });
    console.log(
      `${members} members: probes, acks and gossip ${kin.datagrams.toFixed(1)} B/s and node; ` +
        `push/pull ${kin.streams.toFixed(1)} among our own, ${stock.streams.toFixed(1)} among stock agents`,
    );
    return kin;
  });
  const [small, , large] = rows;
  const grown = large!.datagrams / small!.datagrams - 1;
  console.log(`5,000 against 100: ${percent(grown, 1)} (at most 15 % either way)`);
  const total = ({ datagrams, streams }: typeof large & {}) => datagrams + streams;
  console.log(`with push/pull among our own: ${percent(total(large!) / total(small!) - 1, 1)}`);
}

function speed(): void {
  const members = Number(values.members ?? 1_000);
  const cluster = new GossipCluster({ seed });
  cluster.settle(members);
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  cluster.runFor(60_000);
  const tookMs = performance.now() - startMs;
  const { system, user } = process.cpuUsage(cpuBefore);
  console.log(`a minute of ${members} members: ${seconds(tookMs)} (at most 30 s); ${machineLine()}`);
  console.log(`processor time ${seconds((user + system) / 1_000)}, trace ${cluster.network.traceHash}`);
}

function lifeguard(): void {
  const { all } = values;
  const block = values.block === 'process' ? 'process' : 'messages';
  const counts = all ? [1, 2, 4, 8, 16, 24, 32] : [1, 8, 32];
  const durations = all ? [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000] : [500, 2_000, 8_000, 32_000];
  const configurations = (all ? Object.keys(detectors) : ['swim', 'lifeguard', 'ours']) as Detector[];
  const totals = new Map<Detector, FalseVerdicts>();
  console.log(
    `128 members; blocked: ${block}; open for ${values['open-ms']} ms between two blocks; FP (FP−)`,
  );
  for (const detector of configurations) {
    console.log([detector, ...durations.map(seconds)].map((cell) => cell.padStart(16)).join(''));
    const sum = { anywhere: 0, atHealthy: 0 };
    for (const blocked of counts) {
      const cells = durations.map((blockedForMs) => {
        const wrong = runLifeguard({
          seed: `${seed}/${blocked}/${blockedForMs}`,
          detector,
          members: 128,
          block,
          blocked,
          blockedForMs,
          openForMs: Number(values['open-ms']),
          lastsMs: 120_000,
        });
        sum.anywhere += wrong.anywhere;
        sum.atHealthy += wrong.atHealthy;
        return `${wrong.anywhere} (${wrong.atHealthy})`;
      });
      console.log([`${blocked} blocked`, ...cells].map((cell) => cell.padStart(16)).join(''));
    }
    totals.set(detector, sum);
  }
  const plain = totals.get('swim')!;
  console.log(['', 'FP', 'FP−', 'FP, % of SWIM', 'FP−, % of SWIM'].map((cell) => cell.padStart(18)).join(''));
  for (const [detector, { anywhere, atHealthy }] of totals) {
    const shares = [percent(anywhere / plain.anywhere, 2), percent(atHealthy / plain.atHealthy, 2)];
    console.log(
      [detector, String(anywhere), String(atHealthy), ...shares].map((cell) => cell.padStart(18)).join(''),
    );
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function percent(share: number, digits: number): string {
  return `${(share * 100).toFixed(digits)} %`;
}

const figures: Readonly<Record<string, () => void>> = { spread, load, speed, lifeguard };
const figure = figures[positionals[0] ?? ''];
if (figure === undefined) {
  console.error(`gossip-sim: one of ${Object.keys(figures).join(', ')}`);
  process.exit(2);
}
console.log(`seed ${seed}`);
figure();
