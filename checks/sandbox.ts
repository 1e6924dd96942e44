/**
 * What a script may do, and how it ends with all its children. The spawner ends the process group; `escapes.ts` finds
 * whoever left the group by the mark of the run, or in the agent's control group.
 */
import type { HostFacts } from '../proto/host-ports.ts';
import type { Spawner, SpawnRequest, SpawnResult } from '../proto/ports.ts';
import type { SpecOf } from '../proto/schema/definitions.ts';
import { Escapes, type EscapesOptions, markVariable } from './escapes.ts';
import type { RunContext } from './kinds/kind.ts';
import { checkProgram, defaultPath } from './program.ts';

/** Time between TERM and KILL where the definition gives none. */
const killAfterMs = 2_000;
/** Variables that are passed on; the secrets in an agent's environment are not. */
const passedOn = /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

/** What a run needs of its definition; system programs that we call ourselves leave most of it out. */
export type ProgramRequest = Pick<SpecOf<'script'>, 'args' | 'cwd'> & Partial<Omit<SpecOf<'script'>, 'kind'>>;

export interface SandboxOptions extends EscapesOptions {
  readonly spawner: Spawner;
  readonly facts: Pick<HostFacts, 'file' | 'sha256' | 'user' | 'group'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** User of this process. */
  readonly uid: number;
  /** This process is PID 1 and would have to reap what it did not start. */
  readonly isInit: boolean;
}

export type SandboxResult =
  | { readonly ok: true; readonly result: SpawnResult; readonly argv: readonly string[] }
  /** It was not started, and why. */
  | { readonly ok: false; readonly reason: string };

interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** '' when only the group was named. */
  readonly name: string;
  readonly home: string;
}

const noReaper =
  'refused to run scripts: rollcall is PID 1 and cannot reap what they leave behind; start it below an init ' +
  '(docker run --init), or through agent/host/init.sh';

export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #escapes: Escapes;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#escapes = new Escapes(options);
  }

  /** Escaped processes that were ended, and that could only be named. */
  get escapes(): Escapes['counts'] {
    return this.#escapes.counts;
  }

  /** Runs a program and comes back when it and all that can be found of its children have ended. */
  async run(request: ProgramRequest, context: RunContext): Promise<SandboxResult> {
    if (this.#options.isInit) return { ok: false, reason: noReaper };
    const identity = await this.#identity(request);
    if (typeof identity === 'string') return { ok: false, reason: identity };
    const env = this.#environment(request, identity);
    const program = await checkProgram(
      { argv: request.args, cwd: request.cwd, path: env.PATH, sha256: request.sha256 ?? '' },
      this.#options.facts,
    );
    if (!program.ok) return program;
    const result = await this.#spawn({
      argv: program.argv,
      cwd: request.cwd,
      env,
      timeoutMs: context.timeoutMs,
      killAfterMs: request.killAfterMs ?? killAfterMs,
      outputBytesMax: context.outputBytesMax,
      signal: context.signal,
      ...(identity === null ? {} : { uid: identity.uid, gid: identity.gid }),
      ...(request.nice === undefined ? {} : { nice: request.nice }),
      ...(request.limits === undefined ? {} : { limits: request.limits }),
    });
    return { ok: true, result, argv: program.argv };
  }

  /** Ends what escaped from runs that are over, also from those of this agent's life before. */
  sweep(): Promise<void> {
    return this.#escapes.sweep();
  }

  /** Call it when all runs have ended. */
  async stop(): Promise<void> {
    await this.#escapes.stop();
  }

  async #spawn(request: SpawnRequest): Promise<SpawnResult> {
    const { mark, oomScoreAdj } = await this.#escapes.begin();
    let suspicious = false;
    try {
      const env = { ...request.env, [markVariable]: mark };
      const result = await this.#options.spawner.run({ ...request, env, oomScoreAdj });
      suspicious = result.timedOut || result.outlived === true;
      return result;
    } finally {
      await this.#escapes.end(mark, suspicious);
    }
  }

  /** Null: the agent's own user. A text says what there is not. */
  async #identity({ user = '', group = '' }: ProgramRequest): Promise<Identity | string | null> {
    const { facts } = this.#options;
    if (user === '' && group === '') return null;
    const account = user === '' ? null : await facts.user(user);
    if (user !== '' && account === null) return `there is no user "${user}" on this host`;
    const gid = group === '' ? account!.gid : await facts.group(group);
    if (gid === null) return `there is no group "${group}" on this host`;
    return { uid: account?.uid ?? this.#options.uid, gid, name: user, home: account?.home ?? '' };
  }

  #environment(
    request: ProgramRequest,
    identity: Identity | null,
  ): { PATH: string } & Record<string, string> {
    const env: { PATH: string } & Record<string, string> = { PATH: defaultPath };
    const allowed = new Set(request.envAllow ?? []);
    for (const [name, value] of Object.entries(this.#options.environment)) {
      if (value !== undefined && (passedOn.test(name) || allowed.has(name))) env[name] = value;
    }
    if (identity !== null && identity.name !== '') {
      Object.assign(env, { HOME: identity.home, USER: identity.name, LOGNAME: identity.name });
    }
    return Object.assign(env, request.env);
  }
}
