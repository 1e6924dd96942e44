/** Which file a script check would run, and whether it may: nobody else may have a hand in it. */
import { posix } from 'node:path';
import type { FileFacts, HostFacts } from '../proto/host-ports.ts';

/** Where a bare name is looked up when the environment has no PATH. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Programs whose first argument is what is really run. */
const interpreters = /^(?:sh|bash|dash|ash|zsh|ksh|python[\d.]*|perl[\d.]*|ruby[\d.]*|node|php[\d.]*)$/;
const writableByOthers = 0o002;

export interface ProgramWish {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** PATH of the environment that it would get. */
  readonly path: string;
  /** Lower-case hex digest that its content must have; '' for none. */
  readonly sha256: string;
}

export type ProgramAnswer =
  /** argv[0] is the file that was looked at. */
  { readonly ok: true; readonly argv: readonly string[] } | { readonly ok: false; readonly reason: string };

export async function checkProgram(
  wish: ProgramWish,
  facts: Pick<HostFacts, 'file' | 'sha256'>,
): Promise<ProgramAnswer> {
  const program = await locate(wish, facts);
  if (program === null) {
    const name = wish.argv[0]!;
    const reason = name.includes('/')
      ? `fork/exec ${name}: no such file or directory`
      : `exec: "${name}": executable file not found in $PATH`;
    return { ok: false, reason };
  }
  const script = await scriptOf(wish, program.file, facts);
  for (const { path, file } of script === null ? [program] : [program, script]) {
    const reason = await refusal(path, file, facts);
    if (reason !== null) return { ok: false, reason };
  }
  if (wish.sha256 !== '') {
    const { path, file } = script ?? program;
    const found = await facts.sha256(file.path);
    if (found !== wish.sha256) {
      return {
        ok: false,
        reason: `refused to run ${path}: its SHA-256 is ${found}, the definition wants ${wish.sha256}`,
      };
    }
  }
  return { ok: true, argv: [program.path, ...wish.argv.slice(1)] };
}

interface Located {
  /** As it was named, absolute. */
  readonly path: string;
  readonly file: FileFacts;
}

async function locate(
  { argv, cwd, path }: ProgramWish,
  facts: Pick<HostFacts, 'file'>,
): Promise<Located | null> {
  const name = argv[0]!;
  const folders = name.includes('/') ? [cwd] : path.split(':').map((folder) => posix.resolve(cwd, folder));
  for (const folder of folders) {
    const candidate = posix.resolve(folder, name);
    const file = await fileOf(candidate, facts);
    if (file?.isFile && (name.includes('/') || (file.mode & 0o111) !== 0)) return { path: candidate, file };
  }
  return null;
}

/** The script that an interpreter is given, if it stands where it usually does. */
async function scriptOf(
  { argv, cwd }: ProgramWish,
  program: FileFacts,
  facts: Pick<HostFacts, 'file'>,
): Promise<Located | null> {
  const named = [argv[0]!, program.path].some((path) => interpreters.test(posix.basename(path)));
  const script = argv[1];
  if (!named || script === undefined || script.startsWith('-')) return null;
  const path = posix.resolve(cwd, script);
  const file = await fileOf(path, facts);
  return file?.isFile ? { path, file } : null;
}

/** Null when nobody else may write the file, nor put another one in its place. */
async function refusal(
  path: string,
  file: FileFacts,
  facts: Pick<HostFacts, 'file'>,
): Promise<string | null> {
  const folders = new Set([posix.dirname(path), posix.dirname(file.path)]);
  if ((file.mode & writableByOthers) !== 0) return refused(path, file.path, file.mode);
  for (const folder of folders) {
    const { mode } = await facts.file(folder);
    if ((mode & writableByOthers) !== 0) return refused(path, folder, mode);
  }
  return null;
}

function refused(path: string, writable: string, mode: number): string {
  const right = mode.toString(8).padStart(4, '0');
  return `refused to run ${path}: ${writable} is writable by others (mode ${right}); chmod o-w ${writable} allows it`;
}

async function fileOf(path: string, facts: Pick<HostFacts, 'file'>): Promise<FileFacts | null> {
  return facts.file(path).catch(() => null);
}
