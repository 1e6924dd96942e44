/**
 * One event, many listeners: 1,000 and then 10,000 listeners (server-sent events over bare sockets, in a process of their own)
 * follow the event log at one server; a write makes an event, and the clock runs from the moment that the write is sent
 * until the last listener has the event. What the listeners cost the server in memory is the growth of its resident set, garbage
 * included. Consul's 1,000 blocking queries needed 220 to 860 ms on the machine where this was first measured; it is not here
 * to be asked again. Both processes need 10,000 open files (`ulimit -n`).
 *
 *     npm run build && node dist/test/bench/listeners.js [events = 9] [most listeners = 10000]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { machineLine, median, rssMiB, spread } from './figures.ts';
import { type FleetAgent, ServerFleet } from './server-fleet.ts';

const fewer = 1_000;
const consulMs = 220;
const consulAtMost = 0.5;
const lastAtMostMs = 1_000;
const kibAtMost = 20;
const connectingAtOnce = 50;
/** Until the memory of the server has settled. */
const settleMs = 15_000;

interface Heard {
  readonly medianMs: number;
  readonly lastMs: number;
}

/** Milliseconds that two processes of one machine agree on. */
function sharedMs(): number {
  return performance.timeOrigin + performance.now();
}

/** In the process of the listeners: opens as many as it is told, and reports when all of them have heard of an event. */
function listen(host: string, port: number): void {
  let listeners = 0;
  let timesMs: number[] = [];
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port });
      socket.write(`GET /v1/events/stream HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1');
        if (text.includes('retry:')) resolve();
        if (!text.includes('check.changed')) return;
        timesMs.push(sharedMs());
        if (timesMs.length < listeners) return;
        process.send!({ medianMs: median(timesMs), lastMs: timesMs.at(-1)! } satisfies Heard);
        timesMs = [];
      });
    });
  process.on('message', async (wanted: number) => {
    while (listeners < wanted) {
      const now = Math.min(connectingAtOnce, wanted - listeners);
      await Promise.all(Array.from({ length: now }, open));
      listeners += now;
    }
    process.send!('ready');
  });
}

async function change(server: FleetAgent, serial: number): Promise<void> {
  const Status = serial % 2 === 0 ? 'passing' : 'critical';
  await server.put('/v1/catalog/register', {
    Node: 'external',
    Address: '192.0.2.1',
    Check: { CheckID: 'c', Name: 'c', Status },
  });
}

const [first = '9', second = '10000'] = process.argv.slice(2);
if (first === 'listen') {
  listen(second, Number(process.argv[4]));
} else {
  const fleet = await ServerFleet.start(49, 1);
  const server = fleet.servers[0]!;
  const child = fork(fileURLToPath(import.meta.url), ['listen', server.address, `${server.port}`]);
  try {
    console.log(machineLine());
    let serial = 0;
    for (let i = 0; i < 100; i++) await change(server, serial++);
    await pause(settleMs);
    const bareMiB = rssMiB(server.pid);
    for (const listeners of [fewer, Number(second)]) {
      const ready = once(child, 'message');
      child.send(listeners);
      await ready;
      await pause(settleMs);
      const medians: number[] = [];
      const lasts: number[] = [];
      for (let round = 0; round < Number(first); round++) {
        const heard = once(child, 'message') as Promise<[Heard]>;
        const startMs = sharedMs();
        await change(server, serial++);
        const [{ medianMs, lastMs }] = await heard;
        medians.push(medianMs - startMs);
        lasts.push(lastMs - startMs);
        await pause(500);
      }
      const kib = ((rssMiB(server.pid) - bareMiB) * 1024) / listeners;
      console.log(`${listeners} listeners: the median one hears it after ${spread(medians, 'ms')}`);
      console.log(`${listeners} listeners: the last one hears it after ${spread(lasts, 'ms')}`);
      console.log(`${listeners} listeners: ${kib.toFixed(1)} KiB each (at most ${kibAtMost})`);
      if (listeners === fewer) {
        const ratio = (median(lasts) / consulMs).toFixed(2);
        console.log(
          `beside Consul's ${consulMs} ms of another day: ratio ${ratio} (at most ${consulAtMost})`,
        );
      } else {
        console.log(`last of ${listeners}: ${median(lasts).toFixed(0)} ms (at most ${lastAtMostMs})`);
      }
    }
    console.log(machineLine());
  } finally {
    child.kill();
    await fleet.stop();
  }
}
