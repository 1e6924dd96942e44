/** All of them, see `mutant.ts`. */
import { coreMutants } from './core-mutants.ts';
import type { Mutant } from './mutant.ts';
import { pastMutants } from './past-mutants.ts';
import { shellMutants } from './shell-mutants.ts';

export const mutants: readonly Mutant[] = [...coreMutants, ...shellMutants, ...pastMutants];
