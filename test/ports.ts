/**
 * Ports for processes that a test starts. They come from below the range that the kernel hands out by itself, so that
 * nobody's outgoing connection takes one between the look and the start, and each worker of the test runner has a stripe
 * of its own, so that two suites that run side by side never look at the same one.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const first = 20_000;
const stripe = 2_000;
/** Below 32768, where the kernel's own range begins. */
const stripes = 6;

const worker = Number(process.env.VITEST_POOL_ID ?? process.pid) % stripes;
let next = Math.floor(Math.random() * stripe);

/** A port of `host` that nobody holds, neither for TCP nor for UDP; no other call of this process returns it soon. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < stripe; tries++) {
    next = (next + 1) % stripe;
    const port = first + worker * stripe + next;
    if ((await isFreeForTcp(host, port)) && (await isFreeForUdp(host, port))) return port;
  }
  throw new Error(`no port of ${host} is free between ${first} and ${first + stripes * stripe}`);
}

function isFreeForTcp(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

function isFreeForUdp(host: string, port: number): Promise<boolean> {
  const probe = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    probe.once('error', () => {
      probe.close();
      resolve(false);
    });
    probe.bind(port, host, () => probe.close(() => resolve(true)));
  });
}
