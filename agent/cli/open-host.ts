/** The real host, or for `--dev` one that keeps nothing: clock, randomness, disk, network and kinds of checks. */
import type { MarkedProcess } from '../../proto/host-ports.ts';
import type { Logger } from '../../proto/logger.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import type { StreamNetwork } from '../../server/rpc/client.ts';
import { tcp } from '../../server/rpc/tcp.ts';
import type { AgentHost } from '../agent.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { hostClock } from '../host/clock.ts';
import { RealDisk } from '../host/disk.ts';
import { folderLock } from '../host/folder-lock.ts';
import { hostKindPorts } from '../host/kind-ports.ts';
import { MemoryDisk } from '../host/memory-disk.ts';
import { hostRandom } from '../host/random.ts';

/** Where the disk in memory keeps its folder; nothing of that name is made on a real one. */
const memoryFolder = '/memory';

export async function openHost(
  config: AgentConfig,
  logger: Logger,
  network: StreamNetwork = tcp,
): Promise<{ host: AgentHost; folder: DataFolder }> {
  const clock = hostClock();
  const random = hostRandom();
  const disk = config.dataDir === null ? new MemoryDisk() : new RealDisk();
  const folder = await DataFolder.open(config.dataDir ?? memoryFolder, {
    disk,
    random,
    clock,
    ...(config.dataDir === null ? {} : { lock: folderLock }),
    ...(config.nodeId === null ? {} : { nodeId: config.nodeId }),
  });
  const kindPorts = hostKindPorts(folder.meta.nodeId, (process) => tellStranger(process, logger));
  return { host: { clock, random, disk, network, kindPorts }, folder };
}

/** Outside of our control group it may be anybody's, so it is named and left alone: the operator decides. */
function tellStranger({ pid, name, inGroup }: MarkedProcess, logger: Logger): void {
  const fate = inGroup ? 'and was ended' : 'and is left alone';
  logger.warn(`a process of a script check has left its sandbox and wiped its mark, ${fate}`, { pid, name });
}
