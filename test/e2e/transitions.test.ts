/** The benchmark of the way from journals to listeners, small: what matters here is that nothing is lost, doubled or early. */
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ManagedProcess } from '../../examples/demo/process.ts';

const benchmark = fileURLToPath(new URL('../../dist/test/bench/transitions.js', import.meta.url));
/** Ports of the servers, on addresses of their own. */
const ports = [8300, 8301, 8500];

async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** Third byte of loopback addresses on which nobody listens. */
async function freeNet(): Promise<number> {
  for (;;) {
    const net = 100 + Math.floor(Math.random() * 150);
    const asked = [1, 2, 3].flatMap((host) => ports.map((port) => isFree(`127.0.${net}.${host}`, port)));
    if ((await Promise.all(asked)).every((free) => free)) return net;
  }
}

test('a few agents and listeners, and a leader that is killed: nothing lost, nothing doubled, all in order', async () => {
  const [seconds, perSecond, agents, listeners, kills] = [2, 100, 5, 5, 1];
  const sizes = [seconds, perSecond, agents, listeners, kills, await freeNet()].map(String);
  const run = new ManagedProcess('transitions', [benchmark, ...sizes]);
  onTestFinished(() => run.kill());
  const exitCode = await run.ended;
  expect(run.lines).toContain('0 lost, 0 doubled, 0 out of order');
  expect(run.lines.join('\n')).toContain('200 transitions in ');
  expect(exitCode).toBe(0);
}, 300_000);
