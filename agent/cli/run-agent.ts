/**
 * A running agent as a process: the only place that knows an agent and a server at once, hands both of them the host,
 * and ends the process.
 */

import { ExpectedError } from '../../proto/errors.ts';
import type { Logger } from '../../proto/logger.ts';
import { Agent } from '../agent.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { signatureOf } from '../config/files.ts';
import type { LoadedConfig } from '../config/load-apart.ts';
import { formatProblem } from '../config/problems.ts';
import { type AgentLogger, makeLogger } from '../logger.ts';
import { isPlain, lineOf } from '../startup-errors.ts';
import { Exit, exitFailed } from './io.ts';
import { ownCpuMs, preferFastCode, whenBusy } from './memory.ts';
import { openHost } from './open-host.ts';
import { TlsKeeper } from './tls-keeper.ts';

/** After this long a polite end becomes an impolite one. */
const patienceMs = 5_000;

/** Resolves when the agent has ended in good order; throws an `Exit` with one clear line when it could not run or go on. */
export async function runAgent(config: AgentConfig, reload: () => Promise<LoadedConfig>): Promise<void> {
  const logger = makeLogger(config);
  const tls = new TlsKeeper();
  await tls.use(config).catch(giveUp);
  const { host, folder } = await openHost(config, logger, tls.network).catch(giveUp);
  let end: (failure: Error | null) => void = () => {};
  const ended = new Promise<Error | null>((resolve) => {
    end = resolve;
  });
  try {
    const agent = await Agent.start({
      config,
      host,
      folder,
      logger,
      // A plain agent does not carry a server in its memory.
      startServer: config.server ? (await import('./start-server.ts')).startServer : null,
      keys: config.encrypt === null ? [] : [config.encrypt],
      readConfig: async () => {
        const next = checkedConfig(await reload(), logger);
        await tls.use(next);
        return next;
      },
      configSignature: () => signatureOf(config.configPaths),
      onEnd: (failure) => end(failure),
    }).catch(giveUp);
    logger.info(`agent ${config.nodeName} runs`, { nodeId: folder.meta.nodeId, server: config.server });
    const forgetSignals = obeySignals(agent, logger, () => end(null));
    // A server prefers speed from the beginning.
    const rest = whenBusy({ clock: host.clock, cpuMs: ownCpuMs, onBusy: preferFastCode });
    const failure = await ended;
    rest();
    await politely(agent.stop());
    forgetSignals();
    if (failure !== null) throw new Exit(exitFailed, lineOf(failure));
  } finally {
    await folder.release();
  }
}

function giveUp(error: unknown): never {
  if (isPlain(error)) throw new Exit(exitFailed, lineOf(error));
  throw error;
}

/** SIGTERM and SIGINT end the agent in good order, a second one at once; SIGHUP reads the configuration again. */
function obeySignals(agent: Agent, logger: AgentLogger, end: () => void): () => void {
  let asked = false;
  const onEnd = (signal: NodeJS.Signals) => {
    if (asked) process.exit(exitFailed);
    asked = true;
    logger.info(`${signal}: leaving`);
    end();
  };
  const onReload = () => {
    // Whatever is wrong has been told by the agent.
    agent.reload().catch(() => {});
  };
  process.on('SIGTERM', onEnd).on('SIGINT', onEnd).on('SIGHUP', onReload);
  return () => process.off('SIGTERM', onEnd).off('SIGINT', onEnd).off('SIGHUP', onReload);
}

/** A part that hangs must not keep the process: what is on disk is safe by design. */
async function politely(stopping: Promise<void>): Promise<void> {
  const impatience = setTimeout(() => process.exit(0), patienceMs);
  await stopping;
  clearTimeout(impatience);
}

/** Rejects with all that is wrong. */
export function checkedConfig({ config, problems }: LoadedConfig, logger: Logger): AgentConfig {
  if (config !== null) {
    for (const problem of problems) logger.warn(formatProblem(problem));
    return config;
  }
  const errors = problems.filter(({ level }) => level === 'error').map(formatProblem);
  throw new ExpectedError('BAD_REQUEST', errors.join('\n'), { status: 500 });
}
