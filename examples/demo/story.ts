/**
 * The story that `npm run demo -- --script` plays: each step is something that goes wrong on real fleets, and
 * each ends with what a listener must have heard. A step that did not come true throws with the reason.
 */
import type { HealthEvent } from '../../proto/schema/event.ts';
import {
  agentNames,
  ask,
  type Fleet,
  formed,
  httpAddress,
  leaderName,
  serverNames,
  setServiceMode,
  until,
} from './fleet.ts';
import { Listener } from './listener.ts';

const shop = 'service:shop';
/** Changes of mode before, while and after the leader is killed. */
const flapsBefore = 3;
const flapsAfter = 5;

export async function playStory(fleet: Fleet): Promise<void> {
  await step('three servers and two agents find each other and elect a leader', async () => {
    const leader = await until('the cluster forms', 40_000, formed);
    return `${leader} leads`;
  });

  const listener = new Listener([httpAddress('web-1'), httpAddress('server-1')], 0);
  try {
    await playServiceFailure(fleet, listener);
    await playAgentFailure(fleet, listener);
  } finally {
    await listener.stop();
  }
  await playLeaderFailure(fleet, listener.lastOffset);
}

async function playServiceFailure(fleet: Fleet, listener: Listener): Promise<void> {
  await step('the service dies: one critical event', async () => {
    const from = listener.events.length;
    await fleet.kill('service');
    const event = await listener.next('critical event', from, 10_000, changed(shop, 'critical'));
    return describe(event);
  });
  await step('the service is back: one passing event', async () => {
    const from = listener.events.length;
    await fleet.startService();
    const event = await listener.next('passing event', from, 10_000, changed(shop, 'passing'));
    expectChanges(listener.events.slice(from - 1), ['critical', 'passing']);
    return describe(event);
  });
}

async function playAgentFailure(fleet: Fleet, listener: Listener): Promise<void> {
  await step('web-2 is killed with SIGKILL: its peers notice', async () => {
    const from = listener.events.length;
    await fleet.kill('web-2');
    const event = await listener.next('node.failed', from, 30_000, about('node.failed', 'web-2'));
    return describe(event);
  });
  await step('web-2 comes back', async () => {
    const from = listener.events.length;
    fleet.startAgent('web-2');
    const event = await listener.next('node.recovered', from, 20_000, about('node.recovered', 'web-2'));
    return describe(event);
  });
}

async function playLeaderFailure(fleet: Fleet, after: number): Promise<void> {
  const oldLeader = await until('a leader', 10_000, () => leaderName('web-1'));
  const others = agentNames.filter((name) => name !== oldLeader);
  // The listener's first address is the leader itself, so that killing it breaks the stream.
  const listener = new Listener([oldLeader, ...others].map(httpAddress), after);
  let flaps = 0;
  try {
    await step(`the leader ${oldLeader} is killed with SIGKILL while a check flaps`, async () => {
      for (; flaps < flapsBefore; flaps++) await flap(flaps);
      const killed = performance.now();
      const flapping = flap(flaps++);
      await fleet.kill(oldLeader);
      await flapping;
      const leader = await until('a new leader', 20_000, async () => {
        const name = await leaderName('web-1');
        return name !== undefined && name !== oldLeader && name;
      });
      return `${leader} leads, seen ${seconds(killed)} after the kill`;
    });
    await step('the listener has every event once, in order, without a hole', async () => {
      for (const end = flaps + flapsAfter; flaps < end; flaps++) await flap(flaps);
      const expected = Array.from({ length: flaps }, (_, index) => modeOf(index).status);
      await until(
        `${flaps} changes of the shop`,
        15_000,
        async () => shopChanges(listener.events).length >= flaps,
      );
      expectChanges(listener.events, expected);
      expectDense(listener.events, after);
      return `${listener.events.length} events, ${flaps} of them flaps, offsets ${after + 1} to ${listener.lastOffset}`;
    });
    await step(`the old leader ${oldLeader} comes back and catches up`, async () => {
      fleet.startAgent(oldLeader);
      const back = await until('the old leader has the whole log', 20_000, () =>
        wholeLog(oldLeader, listener),
      );
      return `it holds all ${back} events, equal on ${serverNames.length} servers`;
    });
  } finally {
    await listener.stop();
  }
}

/** The shop's mode and status after its n-th change; it is well before the first. */
function modeOf(flapNumber: number): { mode: 'ok' | 'broken'; status: string } {
  return flapNumber % 2 === 0 ? { mode: 'broken', status: 'critical' } : { mode: 'ok', status: 'passing' };
}

/** Switches the shop and waits until the agent itself has seen it, whatever the servers do meanwhile. */
async function flap(flapNumber: number): Promise<void> {
  const { mode, status } = modeOf(flapNumber);
  await setServiceMode(mode);
  await until(`web-1 sees ${status}`, 10_000, async () => {
    const checks = await ask<Record<string, { Status: string }>>('web-1', '/v1/agent/checks');
    return checks?.[shop]?.Status === status;
  });
}

/** Number of events when every server's log, read at that server, is the listener's to the letter. */
async function wholeLog(returned: string, listener: Listener): Promise<number | undefined> {
  const logs = await Promise.all(
    serverNames.map((name) => ask<HealthEvent[]>(name, '/v1/events?after=0&limit=1000&wait=0s&stale')),
  );
  const last = logs[serverNames.indexOf(returned)]?.at(-1)?.Offset ?? 0;
  if (last < listener.lastOffset || logs.some((log) => log?.length !== last)) return undefined;
  const texts = logs.map((log) => JSON.stringify(log));
  if (texts.some((text) => text !== texts[0])) throw new Error('the servers hold different event logs');
  return last;
}

function changed(check: string, to: string): (event: HealthEvent) => boolean {
  return (event) => event.Kind === 'check.changed' && event.Check === check && event.To === to;
}

function about(kind: HealthEvent['Kind'], node: string): (event: HealthEvent) => boolean {
  return (event) => event.Kind === kind && event.Node === node;
}

function shopChanges(events: readonly HealthEvent[]): HealthEvent[] {
  return events.filter((event) => event.Kind === 'check.changed' && event.Check === shop);
}

function expectChanges(events: readonly HealthEvent[], expected: readonly string[]): void {
  const seen = shopChanges(events).map((event) => event.To);
  if (seen.join() !== expected.join()) {
    throw new Error(
      `expected the shop to change to ${expected.join(', ')}, heard ${seen.join(', ') || 'nothing'}`,
    );
  }
}

function expectDense(events: readonly HealthEvent[], after: number): void {
  events.forEach((event, index) => {
    if (event.Offset !== after + 1 + index) {
      throw new Error(`expected offset ${after + 1 + index}, heard ${event.Offset}`);
    }
  });
}

function describe(event: HealthEvent): string {
  const what = [event.Node, event.Check].filter((part) => part !== '').join(' / ');
  return `event ${event.Offset}: ${event.Kind} ${what} ${event.From} → ${event.To}`;
}

async function step(title: string, play: () => Promise<string>): Promise<void> {
  const started = performance.now();
  try {
    const outcome = await play();
    console.log(`ok    ${title}\n      ${outcome} (${seconds(started)})`);
  } catch (error) {
    console.log(`FAIL  ${title} (${seconds(started)})`);
    throw error;
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
