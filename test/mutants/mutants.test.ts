/** Some deliberate bugs, caught by the seeds that caught them before; `run.ts` sets all of them to work. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { MutantTree, mutated } from './tree.ts';

const root = process.cwd();
const minutes = 0.5;
let tree: MutantTree;

beforeAll(async () => {
  tree = await MutantTree.copy(root);
});
afterAll(() => tree.remove());

test('every mutant still fits into the sources, and has a name of its own', async () => {
  for (const mutant of mutants) expect(await mutated(root, mutant)).not.toContain(mutant.from);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each([
  ['vote-for-everybody', 'one vote a term'],
  ['dedup-off', 'first answer'],
])('%s is caught: %s', async (name, rule) => {
  const mutant = mutants.find((each) => each.name === name)!;
  expect(await tree.hunt(mutant, { first: 1, count: 5, minutes })).toMatchObject({ rule });
});
