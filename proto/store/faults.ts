/** What can go wrong with a disk, in words that say what, where and what to do. */
import { type ErrorCode, ExpectedError, messageOf } from '../errors.ts';

/** A part of a log that had been durable and cannot be read any more. */
export interface Damage {
  readonly file: string;
  /** Byte in the file at which reading ended. */
  readonly byte: number;
  readonly reason: string;
  /** First and last position that is lost, both included. */
  readonly from: number;
  readonly to: number;
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and start again',
  EDQUOT: 'the disk quota is used up: raise it or free some space and start again',
  EIO: 'the device reports an error: check the disk (dmesg, smartctl) before you start again',
  EACCES: 'no permission: give this user the right to write there',
  EPERM: 'not permitted: give this user the right to write there',
  EROFS: 'the file system is mounted read-only: remount it, or choose another data_dir',
  ENOTDIR: 'a part of the path is a file: choose another data_dir',
  EEXIST: 'something that is no folder has that name: move it away, or choose another data_dir',
  ENOENT: 'no folder can be made there: choose another data_dir',
};

export function adviceFor(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === 'string' ? advice[code] : undefined) ?? messageOf(error);
}

/** Final for this process: after a failed flush the kernel may have dropped what it could not write (raft.md 3.3). */
export function cannotWrite(path: string, cause: unknown): ExpectedError {
  return fault('CANNOT_WRITE', `cannot write ${path}: ${adviceFor(cause)}`, cause);
}

export function cannotRead(path: string, cause: unknown): ExpectedError {
  return fault('DISK_DAMAGED', `cannot read ${path}: ${adviceFor(cause)}`, cause);
}

/** `what` names the positions: `records`, `entries`, `events`. */
export function damaged(damage: Damage, what = 'records'): ExpectedError {
  const text = `${damage.file}: ${damage.reason}; ${what} ${damage.from} to ${damage.to} are lost on this disk`;
  return new ExpectedError('DISK_DAMAGED', text, { data: damage });
}

/** Bugs and errors that have a name already pass through as they are. */
function fault(code: ErrorCode, text: string, cause: unknown): ExpectedError {
  return cause instanceof ExpectedError ? cause : new ExpectedError(code, text, { cause });
}
