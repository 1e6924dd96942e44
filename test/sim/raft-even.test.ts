/** The other half of the seeds of `raft.test.ts`. */
import { testEverySecondSeed } from './seeds.ts';

testEverySecondSeed(2);
