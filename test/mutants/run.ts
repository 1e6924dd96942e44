/**
 * `npm run build && node dist/test/mutants/run.js [NAME …]`: sets each mutant to work in a copy of the tree and lives seeds
 * until it is caught. Prints a line of the table in README.md for each; exits with 1 when one gets away.
 */
import { mutants } from './mutants.ts';
import { MutantTree } from './tree.ts';

const seedsMax = 100;
const minutes = 0.5;

const names = process.argv.slice(2);
const chosen = names.length === 0 ? mutants : mutants.filter(({ name }) => names.includes(name));
const tree = await MutantTree.copy(process.cwd());
let escaped = 0;
try {
  for (const mutant of chosen) {
    const caught = await tree.hunt(mutant, { first: 1, count: seedsMax, minutes });
    if (caught === null) escaped += 1;
    const verdict = caught === null ? '**not caught** | –' : `${caught.seed} | ${caught.rule}`;
    console.log(`| ${mutant.name} | ${mutant.bug} | ${verdict} |`);
  }
} finally {
  await tree.remove();
}
process.exitCode = escaped === 0 ? 0 : 1;
