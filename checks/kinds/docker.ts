/**
 * Runs a program in a container through the engine's socket; exit codes mean what they mean for scripts. The
 * engine cannot end what it runs there, so after a timeout it goes on in the container.
 */
import { formatDuration } from '../../proto/duration.ts';
import { type HttpAnswer, type HttpClient, NetworkError } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { OutputKeeper, textOf } from '../output.ts';
import { parsePerfdata } from '../perfdata.ts';
import { type CheckKind, critical, type Outcome, type RunContext } from './kind.ts';
import { statusOf } from './script.ts';

/** A program that says more has run wild. */
const spokenBytesMax = 8_388_608;
const answerBytesMax = 65_536;
/** Stream number, three zeros, length. */
const frameHeadBytes = 8;

export function dockerKind(
  http: HttpClient,
  clock: Pick<Clock, 'nowMs'>,
  socketPath: string,
): CheckKind<SpecOf<'docker'>> {
  return {
    async run(spec, context) {
      const engine = new Engine(http, clock, socketPath, context);
      const container = encodeURIComponent(spec.container);
      try {
        const created = await engine.post(`/containers/${container}/exec`, {
          AttachStdout: true,
          AttachStderr: true,
          Cmd: spec.args,
        });
        if (created.status !== 201) {
          return critical(`create exec failed for container ${spec.container}: ${reasonOf(created)}`);
        }
        const exec = String((JSON.parse(textOf(created.body)) as { Id: unknown }).Id);
        const spoken = await engine.post(
          `/exec/${exec}/start`,
          { Detach: false, Tty: false },
          spokenBytesMax,
        );
        if (spoken.status !== 200) {
          return critical(`start exec failed for container ${spec.container}: ${reasonOf(spoken)}`);
        }
        const ended = await engine.get(`/exec/${exec}/json`);
        return outcomeOf(spoken.body, ended, context.outputBytesMax);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        if (error.code === 'ETIMEDOUT') {
          return critical(
            `Timed out (${formatDuration(context.timeoutMs)}) running check in container ${spec.container}`,
          );
        }
        return critical(`create exec failed for container ${spec.container}: ${error.message}`);
      }
    },
  };
}

/** The engine's HTTP API over its socket, with one deadline for all of a run. */
class Engine {
  readonly #http: HttpClient;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #socketPath: string;
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal;

  constructor(http: HttpClient, clock: Pick<Clock, 'nowMs'>, socketPath: string, context: RunContext) {
    this.#http = http;
    this.#clock = clock;
    this.#socketPath = socketPath;
    this.#deadlineMs = clock.nowMs() + context.timeoutMs;
    this.#signal = context.signal;
  }

  get(path: string): Promise<HttpAnswer> {
    return this.#ask('GET', path, '', answerBytesMax);
  }

  post(path: string, body: unknown, bytesMax = answerBytesMax): Promise<HttpAnswer> {
    return this.#ask('POST', path, JSON.stringify(body), bytesMax);
  }

  #ask(method: string, path: string, body: string, bodyBytesMax: number): Promise<HttpAnswer> {
    return this.#http.request({
      method,
      url: `http://docker${path}`,
      headers: [['Content-Type', 'application/json']],
      body,
      timeoutMs: Math.max(1, this.#deadlineMs - this.#clock.nowMs()),
      bodyBytesMax,
      redirectsMax: 0,
      socketPath: this.#socketPath,
      signal: this.#signal,
    });
  }
}

function outcomeOf(spoken: Uint8Array, ended: HttpAnswer, outputBytesMax: number): Outcome {
  const output = unframed(spoken, outputBytesMax);
  const { Running, ExitCode } = JSON.parse(textOf(ended.body)) as {
    Running?: boolean;
    ExitCode?: number | null;
  };
  if (Running === true || typeof ExitCode !== 'number') {
    return critical(`The program in the container said more than ${spokenBytesMax} bytes\n${output}`);
  }
  return {
    status: statusOf(ExitCode),
    output,
    metrics: parsePerfdata(output),
    details: { exitCode: ExitCode },
  };
}

/** stdout and stderr come in frames of one stream. */
function unframed(bytes: Uint8Array, outputBytesMax: number): string {
  const keeper = new OutputKeeper(outputBytesMax);
  const frames = Buffer.from(bytes);
  let at = 0;
  while (at + frameHeadBytes <= frames.length) {
    const length = frames.readUInt32BE(at + 4);
    keeper.push(frames.subarray(at + frameHeadBytes, at + frameHeadBytes + length));
    at += frameHeadBytes + length;
  }
  return textOf(keeper.bytes());
}

function reasonOf(answer: HttpAnswer): string {
  const text = textOf(answer.body);
  try {
    return String((JSON.parse(text) as { message?: string }).message ?? text);
  } catch {
    return `${answer.status} ${text.slice(0, 500)}`;
  }
}
