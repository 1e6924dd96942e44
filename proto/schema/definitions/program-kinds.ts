/** Kinds of checks that run a program: on this host, in a container, or by asking the service manager. */
import { z } from 'zod';
import { duration, size } from './fields.ts';
import { kindSchema, networkTimeoutMs, scriptTimeoutMs } from './kind.ts';

/** What a script may use. null: no limit of ours. */
export interface ProgramLimits {
  /** Address space of each process, in bytes. */
  readonly memoryBytes: number | null;
  readonly openFiles: number | null;
  /** Size of a file that it writes, in bytes. */
  readonly fileBytes: number | null;
  readonly cpuSeconds: number | null;
}

const limits = z
  .strictObject({
    memory: size.optional().describe('Address space of each process.'),
    open_files: z.int().min(3).optional(),
    file_size: size.optional().describe('Largest file that it may write.'),
    cpu_seconds: z.int().min(1).optional(),
  })
  .describe('What the program and each of its children may use.');

const killAfterMs = 2_000;
/** Room for one breath between the TERM and the KILL of a reload. */
const killAfterMsMax = 60_000;

const args = z.array(z.string()).optional().describe('Program and arguments; no shell is involved.');

export const script = kindSchema({
  kind: 'script',
  chosenBy: ['args'],
  timetable: 'required',
  timeoutMs: scriptTimeoutMs,
  keys: {
    args,
    cwd: z.string().optional().describe('Folder to run in; default: /.'),
    user: z
      .string()
      .optional()
      .describe('User to run as, by name or number; needs an agent that runs as root.'),
    group: z.string().optional().describe("Group to run as; default: the user's."),
    nice: z.int().min(-20).max(19).optional(),
    env: z.record(z.string(), z.string()).optional().describe('Variables to set.'),
    env_allow: z
      .array(z.string())
      .optional()
      .describe("Variables of the agent's own environment to pass on, beyond PATH, HOME, LANG and the like."),
    limits: limits.optional(),
    sha256: z.string().optional().describe('Run the program only while its content has this SHA-256 (hex).'),
    kill_after: duration.optional().describe('Time between TERM and KILL after a timeout; default: 2s.'),
  },
  spec(raw, refuse) {
    if (raw.args?.[0] === '') refuse('args', 'must begin with the name of a program');
    if (raw.args?.some((arg) => arg.includes('\0'))) refuse('args', 'must not contain a zero byte');
    if (raw.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(raw.sha256)) {
      refuse('sha256', 'must be 64 hexadecimal digits');
    }
    return {
      kind: 'script' as const,
      args: raw.args ?? [],
      cwd: raw.cwd ?? '/',
      user: raw.user ?? '',
      group: raw.group ?? '',
      nice: raw.nice ?? 0,
      env: raw.env ?? {},
      envAllow: raw.env_allow ?? [],
      limits: {
        memoryBytes: raw.limits?.memory ?? null,
        openFiles: raw.limits?.open_files ?? null,
        fileBytes: raw.limits?.file_size ?? null,
        cpuSeconds: raw.limits?.cpu_seconds ?? null,
      } satisfies ProgramLimits,
      sha256: (raw.sha256 ?? '').toLowerCase(),
      killAfterMs: Math.min(Math.max(0, raw.kill_after ?? killAfterMs), killAfterMsMax),
    };
  },
});

export const docker = kindSchema({
  kind: 'docker',
  chosenBy: ['docker_container_id'],
  timetable: 'required',
  timeoutMs: scriptTimeoutMs,
  keys: {
    docker_container_id: z.string().optional().describe('Container in which the args are run.'),
    args,
    shell: z.string().optional().describe("Taken for Consul's sake; the args are run as they are."),
  },
  spec(raw, refuse) {
    if ((raw.args ?? []).length === 0)
      refuse('docker_container_id', 'needs args: what to run in the container');
    return { kind: 'docker' as const, container: raw.docker_container_id ?? '', args: raw.args ?? [] };
  },
});

export const osService = kindSchema({
  kind: 'os_service',
  chosenBy: ['os_service'],
  timetable: 'required',
  timeoutMs: networkTimeoutMs,
  keys: {
    os_service: z.string().optional().describe('Unit of systemd that has to be active.'),
  },
  spec(raw, refuse) {
    const unit = raw.os_service ?? '';
    // It becomes an argument of systemctl, so it must not look like an option.
    if (!/^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*$/.test(unit)) refuse('os_service', 'is no name of a unit');
    return { kind: 'os_service' as const, unit };
  },
});
