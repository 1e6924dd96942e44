/**
 * What the world offers us, as ports. A core or a part that the simulator runs gets these from its
 * constructor and touches nothing else of the operating system: production hands in the real host
 * (`agent/host`), the simulator hands in virtual time, a seeded network and a disk that forgets.
 */

/** A deadline that has not come yet. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time. `nowMs` is for measuring and waiting, `wallMs` only for what people will read. */
export interface Clock {
  /** Monotonic milliseconds since some fixed moment of this process; fractions are allowed. */
  nowMs(): number;
  /** Unix time in milliseconds. May jump; never used for a decision about order or a timeout. */
  wallMs(): number;
  /** Runs the callback once, `delayMs` (>= 0) from now, never within this call. */
  after(delayMs: number, run: () => void): Timer;
}

/** The only source of randomness, so that a seed fixes a whole run. */
export interface Random {
  /** A float in [0, 1). */
  unit(): number;
  /** `length` random bytes (nonces, ids). */
  bytes(length: number): Uint8Array;
}

/** A datagram's or stream's other end. IPv6 addresses are bare (`::1`), never in brackets. */
export interface Endpoint {
  /** Textual IP address, as node:net prints it. */
  readonly host: string;
  readonly port: number;
}

/** Fire-and-forget datagram. Loss is normal; nothing is reported. */
export type Send = (to: Endpoint, packet: Uint8Array) => void;

/**
 * A folder tree on stable storage. All paths are absolute or relative to the process, with `/`.
 * Expected failures reject with a Node-like error that has a `code` (`ENOSPC`, `EIO`, `EACCES`, …).
 */
export interface Disk {
  /** Opens for reading and writing; creates the file when `create` is set and it is missing. */
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** Names (not paths) of the entries of a folder, sorted; `[]` when the folder is missing. */
  list(folder: string): Promise<string[]>;
  /** Whole content, or `undefined` when there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Creates the folder and its parents; existing is fine. */
  makeFolder(folder: string): Promise<void>;
  /** Atomic within a file system; durable only after `syncFolder` of the parent. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; missing is fine. Durable only after `syncFolder` of the parent. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this folder durable. */
  syncFolder(folder: string): Promise<void>;
}

export interface OpenOptions {
  readonly create?: boolean;
  /** With `create`: fails with EEXIST when the file is there. */
  readonly exclusive?: boolean;
  /** Rights of a new file, default 0o644. */
  readonly mode?: number;
  /** Every `write` is durable when it resolves: one trip to the device where `write` and `sync` are two. */
  readonly durable?: boolean;
}

/** One open file. Positions are explicit, so there is no hidden cursor to get wrong. */
export interface DiskFile {
  /** Bytes in the file now. */
  size(): Promise<number>;
  /** Up to `length` bytes from `position`; shorter only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes all bytes or rejects. Not durable before `sync` resolved, unless opened as `durable`. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Cuts or extends (with zeros) to `length` bytes. */
  truncate(length: number): Promise<void>;
  /** Extends to `length` with zeros that have their place on the device, so that later writes change no metadata. */
  preallocate(length: number): Promise<void>;
  /** fdatasync. A rejection is final: the kernel may have dropped the pages (raft.md 3.3). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How a child process ended. The first reason for its end is the one that is kept. */
export interface SpawnResult {
  /** Exit code, or null when a signal ended it or it never started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it could not be started (`ENOENT`, `EACCES` …), else undefined. */
  readonly startError?: string;
  readonly timedOut: boolean;
  /** Wall time from start to end of the process, in milliseconds. */
  readonly durationMs: number;
  /** stdout and stderr in the order they came, already bounded by the caller's sink. */
  readonly output: Uint8Array;
  /** Bytes that the process wrote in all; more than `output.length` when it was cut. */
  readonly outputBytes: number;
  /** Something that it started was still there when it ended, or held its output open. */
  readonly outlived?: boolean;
}

/** What a process and each of its children may use; null: no limit of ours. */
export interface SpawnLimits {
  /** Address space, in bytes. */
  readonly memoryBytes: number | null;
  readonly openFiles: number | null;
  /** Size of a file that it writes, in bytes. */
  readonly fileBytes: number | null;
  readonly cpuSeconds: number | null;
}

export interface SpawnRequest {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Time between TERM and KILL, in milliseconds. */
  readonly killAfterMs: number;
  /** Bytes of output that are kept at most (head and tail). */
  readonly outputBytesMax: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly nice?: number;
  readonly limits?: SpawnLimits;
  /** -1000 to 1000: how soon the kernel ends it when memory runs out; inherited by its children. */
  readonly oomScoreAdj?: number;
  /** Ends the process as a timeout does. */
  readonly signal?: AbortSignal;
}

/** Runs a program in a process group of its own and always comes back, whatever it does. */
export interface Spawner {
  run(request: SpawnRequest): Promise<SpawnResult>;
}
