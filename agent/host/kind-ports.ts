/** What kinds of checks need of this host. What they need of the agent (aliases, the leader's clock) is added by it. */
import type { KindPorts } from '../../checks/kinds/index.ts';
import { Sandbox, type SandboxOptions } from '../../checks/sandbox.ts';
import { hostClock } from './clock.ts';
import { hostControlGroup } from './control-group.ts';
import { hostDialer } from './dialer.ts';
import { hostFacts } from './facts.ts';
import { hostHttp } from './http.ts';
import { hostHttp2 } from './http2.ts';
import { hostLookup } from './lookup.ts';
import { hostProcesses } from './processes.ts';
import { hostRandom } from './random.ts';
import { hostResolver } from './resolver.ts';
import { hostSpawner } from './spawner.ts';

const dockerSocket = '/var/run/docker.sock';

/**
 * `owner` marks the programs that are run, so that whoever left them behind finds and ends them; `onStranger` hears of
 * those that wiped the mark.
 */
export function hostKindPorts(
  owner: string,
  onStranger: NonNullable<SandboxOptions['onStranger']> = () => {},
): Omit<KindPorts, 'aliases' | 'leaderClock'> {
  const clock = hostClock();
  const processes = hostProcesses();
  const facts = hostFacts(processes);
  const lookup = hostLookup();
  const sandbox = new Sandbox({
    spawner: hostSpawner(),
    facts,
    processes,
    group: hostControlGroup(owner),
    clock,
    random: hostRandom(),
    owner,
    environment: process.env,
    uid: process.getuid?.() ?? 0,
    isInit: process.pid === 1,
    onStranger,
  });
  return {
    clock,
    sandbox,
    facts,
    http: hostHttp(lookup),
    http2: hostHttp2(lookup),
    dialer: hostDialer(lookup),
    resolver: hostResolver(),
    dockerSocket,
  };
}
