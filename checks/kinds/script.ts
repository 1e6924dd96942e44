/** Runs a program: exit code 0 is passing, 1 warning, anything else critical, as Nagios and Consul have it. */
import { formatDuration } from '../../proto/duration.ts';
import type { SpawnResult } from '../../proto/ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import type { ResultStatus } from '../check.ts';
import { textOf } from '../output.ts';
import { parsePerfdata } from '../perfdata.ts';
import type { Sandbox } from '../sandbox.ts';
import { type CheckKind, critical, type Outcome } from './kind.ts';

export function scriptKind(sandbox: Sandbox): CheckKind<SpecOf<'script'>> {
  return {
    async run(spec, context) {
      const ran = await sandbox.run(spec, context);
      if (!ran.ok) return critical(ran.reason);
      return outcomeOf(ran.result, ran.argv[0]!, context.timeoutMs);
    },
  };
}

function outcomeOf(result: SpawnResult, program: string, timeoutMs: number): Outcome {
  const { exitCode, signal, timedOut, startError, durationMs, outputBytes, outlived = false } = result;
  if (startError !== undefined) return critical(`fork/exec ${program}: ${startErrorText(startError)}`);
  const said = textOf(result.output);
  const details = { exitCode, signal, timedOut, durationMs, outputBytes, outlived };
  if (timedOut) {
    return critical(`Timed out (${formatDuration(timeoutMs)}) running check\n\n${said}`, { details });
  }
  const output = said === '' && signal !== null ? `Ended by ${signal}` : said;
  return { status: statusOf(exitCode), output, metrics: parsePerfdata(said), details };
}

/** Null: a signal ended it. */
export function statusOf(exitCode: number | null): ResultStatus {
  if (exitCode === 0) return 'passing';
  return exitCode === 1 ? 'warning' : 'critical';
}

const startErrors: Readonly<Record<string, string>> = {
  // The program itself was there a moment ago.
  ENOENT: 'no such file or directory (its interpreter, or the folder to run in)',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOEXEC: 'exec format error',
  E2BIG: 'argument list too long',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
};

function startErrorText(code: string): string {
  return startErrors[code] ?? code;
}
