#!/usr/bin/env node
/** The program `rollcall`. */
import { processIo } from './io.ts';
import { preferSmallMemory } from './memory.ts';

preferSmallMemory();
// Only then: what is loaded counts as well.
const { run } = await import('./program.ts');
// An exit code instead of process.exit(): what was printed reaches a slow pipe in full.
process.exitCode = await run(process.argv.slice(2), processIo());
