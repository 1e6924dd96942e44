/** An agent whose main thread is blocked, with nothing of the program changed: a signal handler from outside does it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManagedProcess } from '../../examples/demo/process.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { LocalEvent } from '../../proto/schema/local-event.ts';
import { freePorts, program, TestFleet, until } from './agents.ts';

const blockedMs = 10_000;
const block = `process.on('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${blockedMs}));`;

let fleet: TestFleet;
let stalling: ManagedProcess | null = null;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(async () => {
  await stalling?.kill();
  await fleet.stop();
});

test('its gossip says so while it lasts, nobody is accused, and the catalog shows it', async () => {
  const [server] = await fleet.startServers(1);
  const ports = await freePorts();
  const hook = join(fleet.folder, 'block.mjs');
  await writeFile(hook, block);
  stalling = new ManagedProcess('stalling', [
    ...['--import', hook, program, 'agent', '--node', 'web', '--bind', '127.0.0.1'],
    ...['--data-dir', join(fleet.folder, 'web'), '--join', server!.gossip, '--http-port', `${ports.http}`],
    ...['--serf-port', `${ports.serf}`, '--server-port', `${ports.server}`, '--dns-port', '-1'],
  ]);
  const local = async () => (await server!.get<LocalEvent[]>('/v1/events/local?node=web')) ?? [];
  const log = async () => (await server!.get<HealthEvent[]>('/v1/events?after=0&node=web')) ?? [];
  const isThere = (events: readonly { Kind: string; Check: string }[], kind: string, check = '') =>
    events.some((event) => event.Kind === kind && event.Check === check);
  await until('web is in the catalog', async () => isThere(await log(), 'node.joined'));

  stalling.signal('SIGUSR2');
  const stalled = await until('its gossip says so', async () =>
    (await local()).find(({ Kind }) => Kind === 'agent.stalled'),
  );
  expect(stalled.Output).toMatch(/^this agent has stood still for \d+ s while its gossip goes on$/);
  await until('the leader writes it down', async () => isThere(await log(), 'check.added', 'agent-stalled'));
  expect(isThere(await log(), 'agent.stalled')).toBe(false);

  await until('it runs again and says so itself', async () => isThere(await log(), 'agent.stalled'));
  // The record and the row of the check travel in streams of their own, so the row may come a moment later.
  await until('the catalog shows the check', async () => {
    const critical = await server!.get<Array<{ Node: string; CheckID: string }>>('/v1/health/state/critical');
    return critical?.some(({ Node, CheckID }) => Node === 'web' && CheckID === 'agent-stalled');
  });
  expect(isThere(await log(), 'node.failed')).toBe(false);
  expect(isThere(await local(), 'node.failed')).toBe(false);
});
