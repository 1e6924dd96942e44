/** In a mutated copy of the tree: lives one seed after the other until a checker finds something. Prints what, as JSON. */
import { runServerSeed } from '../sim/server-run.ts';

const [first, count, minutes] = process.argv.slice(2).map(Number) as [number, number, number];
let caught: { seed: number; rule: string; text: string } | null = null;
for (let seed = first; seed < first + count && caught === null; seed++) {
  const { findings } = await runServerSeed({ seed, nodes: 5, minutes });
  const [finding] = findings;
  if (finding !== undefined) caught = { seed, ...finding };
}
console.log(JSON.stringify(caught));
