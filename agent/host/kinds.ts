import { scriptKind } from '../../checks/kinds/script.ts';
import { httpKind } from '../../checks/kinds/http.ts';
import type { Kinds } from '../../checks/kinds/kind.ts';
import { Sandbox } from '../../checks/sandbox.ts';
import { hostClock } from './clock.ts';
import { hostFacts } from './facts.ts';
import { hostHttp } from './http.ts';
import { hostLookup } from './lookup.ts';
import { hostProcesses } from './processes.ts';
import { hostRandom } from './random.ts';
import { hostSpawner } from './spawner.ts';

// temporary: the checks engineer's checks/kinds/index.ts replaces it
export function makeKinds(owner: string): Kinds {
  const clock = hostClock();
  const processes = hostProcesses();
  const facts = hostFacts(processes);
  const sandbox = new Sandbox({ spawner: hostSpawner(), facts, processes, clock, random: hostRandom(), owner, environment: process.env, uid: process.getuid?.() ?? 0, isInit: process.pid === 1 });
  return {
    classOf: (kind) => (kind === 'script' ? 'process' : 'network'),
    load: async (kind) => (kind === 'script' ? scriptKind(sandbox) : httpKind(hostHttp(hostLookup()), clock)) as never,
  };
}
