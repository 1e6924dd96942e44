/**
 * `npm run sim -- --seed S --nodes N --minutes M [--gossip] [--seeds COUNT]`: the seed first, then the verdict. Many seeds
 * share the processors; the first one that fails ends the run with the command that repeats it.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type LifeOptions, live, type Outcome } from './lives.ts';

/** Lines of a failed run's story that are shown besides the first; the end is what counts. */
const storyLinesMax = 60;

if (isMainThread) await main();
else {
  const port = parentPort!;
  port.on('message', (seed: string) => {
    // A life that rejects is a bug of the simulator, and ends it.
    void live(seed, workerData as LifeOptions).then((outcome) => port.postMessage(outcome));
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      seeds: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      minutes: { type: 'string' },
      gossip: { type: 'boolean', default: false },
      agents: { type: 'string' },
      transitions: { type: 'string' },
      listeners: { type: 'string' },
      'early-batch': { type: 'string' },
    },
  });
  const { gossip, 'early-batch': early } = values;
  const count = wholeNumber('seeds', values.seeds, 1);
  const first = count > 1 ? wholeNumber('seed', values.seed, 0) : 0;
  const seeds = count === 1 ? [values.seed] : Array.from({ length: count }, (_, n) => String(first + n));
  const options: LifeOptions = {
    gossip,
    nodes: wholeNumber('nodes', values.nodes ?? (gossip ? '50' : '5'), 1),
    minutes: positive('minutes', values.minutes ?? (gossip ? '2' : '1')),
    ...(values.agents !== undefined && { agents: wholeNumber('agents', values.agents, 1) }),
    ...(values.transitions !== undefined && {
      transitionsPerSecond: positive('transitions', values.transitions),
    }),
    ...(values.listeners !== undefined && { listeners: wholeNumber('listeners', values.listeners, 0) }),
    ...(early !== undefined && { earlyBatch: wholeNumber('early-batch', early, 1) }),
  };
  const startedMs = performance.now();
  if (seeds.length === 1) {
    console.log(`seed ${values.seed}`);
    report(await live(values.seed, options));
  } else {
    await liveAll(seeds, options);
    const seconds = (performance.now() - startedMs) / 1_000;
    const { user, system } = process.cpuUsage();
    const perHour = Math.round((3_600 * seeds.length) / seconds);
    console.log(
      `${seeds.length} seeds from ${first} on came out right in ${seconds.toFixed(1)} s: ${perHour} an hour, ` +
        `${((user + system) / 1_000 / seeds.length).toFixed(0)} ms of processor time each`,
    );
  }
}

/** One worker a processor, each with one seed at a time. */
function liveAll(seeds: readonly string[], options: LifeOptions): Promise<void> {
  const waiting = [...seeds];
  let left = seeds.length;
  return new Promise((resolve, reject) => {
    for (let n = Math.min(availableParallelism(), seeds.length); n > 0; n--) {
      const worker = new Worker(new URL(import.meta.url), { workerData: options });
      const next = () => {
        const seed = waiting.shift();
        if (seed !== undefined) worker.postMessage(seed);
        else void worker.terminate();
      };
      worker.on('error', reject);
      worker.on('message', (outcome: Outcome) => {
        console.log(`seed ${outcome.seed}`);
        report(outcome);
        left -= 1;
        if (left === 0) resolve();
        next();
      });
      next();
    }
  });
}

function report({ failures, story, summary, repeat }: Outcome): void {
  if (failures.length === 0) {
    console.log(`ok    ${summary}`);
    return;
  }
  const shown = story.length > storyLinesMax ? [story[0], '…', ...story.slice(-storyLinesMax)] : story;
  for (const line of shown) console.log(`  ${line}`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  console.log(`repeat it with: ${repeat}`);
  process.exit(1);
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  return refuse(`--${name} must be a whole number from ${least} on, not "${text}"`);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  return number > 0 ? number : refuse(`--${name} must be a number above 0, not "${text}"`);
}

function refuse(reason: string): never {
  console.error(`sim: ${reason}`);
  process.exit(2);
}
