import { expect, test } from 'vitest';
import { Escapes, type EscapesOptions } from '../../checks/escapes.ts';
import type { MarkedProcess } from '../../proto/host-ports.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';

/** A host whose processes the test invents. */
class Host {
  readonly clock = new VirtualClock();
  readonly there: MarkedProcess[] = [];
  readonly named: number[] = [];
  readonly unkillable = new Set<number>();
  entered = 0;
  left = 0;

  escapes(options: Partial<EscapesOptions> = {}): Escapes {
    return new Escapes({
      processes: {
        find: async () => [...this.there],
        kill: (process) => !this.unkillable.has(process.pid) && this.#remove(process.pid),
      },
      group: {
        enter: async () => {
          this.entered++;
          return true;
        },
        members: async () => new Set(this.there.filter(({ inGroup }) => inGroup).map(({ pid }) => pid)),
        leave: async () => {
          this.left++;
        },
      },
      clock: this.clock,
      random: new SeededRandom('escapes'),
      owner: 'node-1',
      onStranger: ({ pid }) => this.named.push(pid),
      ...options,
    });
  }

  add(pid: number, fields: Partial<MarkedProcess>): void {
    const facts = { pid, startTicks: pid, parentPid: 1, name: 'x', argv: ['x'] };
    this.there.push({ ...facts, mark: null, inGroup: false, ...fields });
  }

  pids(): number[] {
    return this.there.map(({ pid }) => pid);
  }

  #remove(pid: number): boolean {
    const at = this.there.findIndex((process) => process.pid === pid);
    if (at !== -1) this.there.splice(at, 1);
    return at !== -1;
  }
}

test('the control group is entered before the first run and left at the end', async () => {
  const host = new Host();
  const escapes = host.escapes();
  const { mark } = await escapes.begin();
  expect(host.entered).toBe(1);
  await escapes.end(mark, false);
  await escapes.stop();
  expect(host.left).toBe(1);
});

test('whoever carries the mark of a run is ended when the run is over, not before', async () => {
  const host = new Host();
  const escapes = host.escapes();
  const [one, two] = [await escapes.begin(), await escapes.begin()];
  host.add(11, { mark: one.mark });
  host.add(12, { mark: two.mark });
  await escapes.end(one.mark, true);
  expect(host.pids()).toEqual([12]);
  expect(escapes.counts).toEqual({ killed: 1, strangers: 0 });
});

test('in the group a wiped mark does not help: ended and named when all runs it may come from are over', async () => {
  const host = new Host();
  const escapes = host.escapes();
  const [one, two] = [await escapes.begin(), await escapes.begin()];
  host.add(11, { inGroup: true });
  await escapes.end(one.mark, true);
  expect(host.pids()).toEqual([11]);
  const later = await escapes.begin();
  await escapes.end(two.mark, true);
  expect(host.pids()).toEqual([]);
  expect(host.named).toEqual([11]);
  expect(escapes.counts).toEqual({ killed: 1, strangers: 0 });
  await escapes.end(later.mark, false);
});

test('a sweep comes by itself for one that had to be left alone', async () => {
  const host = new Host();
  const escapes = host.escapes();
  const [one, two] = [await escapes.begin(), await escapes.begin()];
  host.add(11, { inGroup: true });
  await escapes.end(one.mark, true);
  await escapes.end(two.mark, false);
  await host.clock.settleFor(10_000);
  expect(host.pids()).toEqual([]);
});

test('a script that leaves one behind with every run is told of once', async () => {
  const host = new Host();
  const escapes = host.escapes();
  for (const pid of [11, 12, 13]) {
    const { mark } = await escapes.begin();
    host.add(pid, { inGroup: true });
    await escapes.end(mark, true);
  }
  expect(host.named).toEqual([11]);
  expect(escapes.counts).toEqual({ killed: 3, strangers: 0 });
});

test('at its start an agent ends all that stands in its group, since it runs nothing yet', async () => {
  const host = new Host();
  host.add(11, { inGroup: true });
  host.add(12, { mark: 'node-1:before:7' });
  const escapes = host.escapes();
  await escapes.sweep();
  expect(host.pids()).toEqual([]);
});

test('outside of the group a wiped mark proves nothing: named once, when it is there again, and left alone', async () => {
  const host = new Host();
  const escapes = host.escapes();
  host.add(11, {});
  await escapes.sweep();
  expect(host.named).toEqual([]);
  await host.clock.settleFor(10_000);
  await escapes.sweep();
  expect(host.named).toEqual([11]);
  expect(host.pids()).toEqual([11]);
  expect(escapes.counts).toEqual({ killed: 0, strangers: 1 });
});

test('a child without the mark belongs to the run that it descends from', async () => {
  const host = new Host();
  const escapes = host.escapes();
  const { mark } = await escapes.begin();
  host.add(11, { mark });
  host.add(12, { parentPid: 11 });
  host.add(13, { parentPid: 12, inGroup: true });
  await escapes.sweep();
  await escapes.sweep();
  expect(host.pids()).toEqual([11, 12, 13]);
  expect(host.named).toEqual([]);
});

test('one that cannot be ended is named instead', async () => {
  const host = new Host();
  const escapes = host.escapes();
  host.add(11, { inGroup: true });
  host.unkillable.add(11);
  await escapes.sweep();
  await escapes.sweep();
  expect(escapes.counts).toEqual({ killed: 0, strangers: 1 });
  expect(host.named).toEqual([11]);
});
