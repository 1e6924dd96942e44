/**
 * Reads the configuration in a process of its own, which ends with the answer. Reading takes YAML, the schemas and their
 * library, about 20 MiB that V8 and malloc would never quite give back, for what an agent does once in its life and at
 * reloads. (A thread in place of the process leaves some 4 MiB more behind.)
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { ExpectedError } from '../../proto/errors.ts';
import { programVersion } from '../../proto/version.ts';
import { deepFreeze } from './freeze.ts';
import type { LoadRequest, LoadResult } from './load.ts';

/** What an agent needs of the result. */
export type LoadedConfig = Pick<LoadResult, 'config' | 'problems'>;

/** What the process says. */
export interface ApartAnswer extends LoadedConfig {
  readonly version: string;
}

/** More than any configuration that the limits of its files let through. */
const answerBytesMax = 1024 * 1024 * 1024;

/** The compiled program runs the process; unbuilt TypeScript, as tests run it, is read in this one. */
const child = fileURLToPath(new URL('./load-child.js', import.meta.url));
const canRunChild = import.meta.url.endsWith('.js');

/**
 * As `loadConfig` would answer. Where no process can be started (too many of them, no memory, a Node that was replaced on
 * disk) this one reads: that costs memory and nothing else. Rejects when the program on disk is another version than the
 * one that runs, whose configuration it may not understand.
 */
export async function loadConfigApart(request: LoadRequest, program = child): Promise<LoadedConfig> {
  const answer = canRunChild || program !== child ? await ask(program, request) : undefined;
  if (answer !== undefined) return checked(answer);
  const { loadConfig } = await import('./load.ts');
  const { config, problems } = await loadConfig(request);
  return { config, problems };
}

function checked({ version, config, problems }: ApartAnswer): LoadedConfig {
  if (version === programVersion) return deepFreeze({ config, problems });
  const text = `this agent is version ${programVersion} and the program on disk is ${version}: restart the agent`;
  throw new ExpectedError('BAD_REQUEST', text, { status: 500 });
}

/** Undefined when there is no answer, whatever the reason: reading here then gives the right result or the right error. */
function ask(program: string, request: LoadRequest): Promise<ApartAnswer | undefined> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: answerBytesMax } as const;
    const started = execFile(process.execPath, [program], options, (error, stdout) => {
      resolve(error === null ? (deserialize(stdout) as ApartAnswer) : undefined);
    });
    // A process that ends early closes its end; that it has failed is told above.
    started.stdin?.on('error', () => {});
    started.stdin?.end(serialize(request));
  });
}
