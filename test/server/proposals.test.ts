import { expect, test } from 'vitest';
import { decode } from '../../proto/codec.ts';
import type { Command } from '../../proto/schema/command.ts';
import { type Placement, Proposals, proposalsMax } from '../../server/proposals.ts';

const body = { kind: 'events.trim' as const, v: 1 as const, firstKept: 1 };

function outcomeAt(index: number, refused: { code: 'NAME_TAKEN'; message: string } | null = null) {
  return { index, offset: 0, refused, revision: 0, repairs: 0 };
}

function entryAt(index: number, term: number) {
  return { index, term, kind: 'command' as const, data: new Uint8Array() };
}

/** Proposals whose fate is noted as it becomes known. */
class Bench {
  readonly proposals = new Proposals();
  readonly fates: string[] = [];
  readonly batches: Command[][] = [];

  add(name: string, timeMs = 0): void {
    this.proposals.add({ body, once: null, timeMs }).then(
      ({ index }) => this.fates.push(`${name} at ${index}`),
      (error: { code: string }) => this.fates.push(`${name} ${error.code}`),
    );
  }

  place(placement: Placement): void {
    this.proposals.place((batch) => {
      this.batches.push(batch.map((data) => decode(data) as Command));
      return placement;
    });
  }

  async seen(): Promise<string[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.fates.splice(0);
  }
}

test('what gathered goes as one batch and is answered entry by entry', async () => {
  const bench = new Bench();
  bench.add('a');
  bench.add('b');
  bench.place({ index: 7, term: 2 });
  bench.place({ index: 9, term: 2 });
  expect(bench.batches.map((batch) => batch.length)).toEqual([2]);
  bench.proposals.applied(entryAt(7, 2), outcomeAt(7));
  expect(await bench.seen()).toEqual(['a at 7']);
  bench.proposals.applied(entryAt(8, 2), outcomeAt(8, { code: 'NAME_TAKEN', message: 'taken' }));
  expect(await bench.seen()).toEqual(['b NAME_TAKEN']);
});

test('the entry of another leader in its place: surely not done', async () => {
  const bench = new Bench();
  bench.add('a');
  bench.place({ index: 7, term: 2 });
  bench.proposals.applied(entryAt(7, 3), outcomeAt(7));
  expect(await bench.seen()).toEqual(['a NOT_LEADER']);
});

test('leadership lost: what waited is surely not done, what was placed nobody knows', async () => {
  const bench = new Bench();
  bench.add('placed');
  bench.place({ index: 7, term: 2 });
  bench.add('queued');
  bench.proposals.leadershipLost('s2');
  expect((await bench.seen()).sort()).toEqual(['placed OUTCOME_UNKNOWN', 'queued NOT_LEADER']);
  bench.proposals.applied(entryAt(7, 2), outcomeAt(7));
  expect(await bench.seen()).toEqual([]);
});

test('a leader that is full or hands over refuses the batch', async () => {
  const bench = new Bench();
  bench.add('a');
  bench.place({ refused: 'full', leader: 's1' });
  bench.add('b');
  bench.place({ refused: 'transferring', leader: 's1' });
  expect(await bench.seen()).toEqual(['a BUSY', 'b NOT_LEADER']);
});

test('times never go back, whatever the wall clock says', () => {
  const bench = new Bench();
  for (const timeMs of [5_000, 3_000, 6_000]) bench.add('x', timeMs);
  bench.place({ index: 1, term: 1 });
  expect(bench.batches[0]!.map((command) => command.timeMs)).toEqual([5_000, 5_000, 6_000]);
});

test('too many and too large are refused, and the next one is not', async () => {
  const bench = new Bench();
  for (let i = 0; i < proposalsMax; i++) bench.proposals.add({ body, once: null, timeMs: 0 }).catch(() => {});
  bench.add('one more');
  expect(await bench.seen()).toEqual(['one more BUSY']);
  const small = new Proposals();
  await expect(small.add({ body, once: null, timeMs: 0 }, 10)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(small.queued).toBe(0);
});
