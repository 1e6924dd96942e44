/** The process that reads a configuration for an agent: takes the request on its input and answers on its output. */
import { buffer } from 'node:stream/consumers';
import { deserialize, serialize } from 'node:v8';
import { programVersion } from '../../proto/version.ts';
import { type LoadRequest, loadConfig } from './load.ts';
import type { ApartAnswer } from './load-apart.ts';

const request = deserialize(await buffer(process.stdin)) as LoadRequest;
const { config, problems } = await loadConfig(request);
process.stdout.write(serialize({ version: programVersion, config, problems } satisfies ApartAnswer));
