/** Every expected error: code, message for people, HTTP status as Consul has it. Bugs are not listed here; they throw. */

const errors = {
  NO_LEADER: { status: 500, text: 'No cluster leader' },
  NO_SERVERS: { status: 500, text: 'No known Consul servers' },
  /** The server that was asked is not the leader; carried to callers that know how to go on. */
  NOT_LEADER: { status: 500, text: 'node is not the leader' },
  /** The write may or may not have happened: retry with the same idempotency key. */
  OUTCOME_UNKNOWN: { status: 500, text: 'leadership lost while committing log' },
  TIMEOUT: { status: 500, text: 'rpc error: deadline exceeded' },
  CONNECTION_LOST: { status: 500, text: 'rpc error: connection lost' },
  CANNOT_WRITE: { status: 500, text: 'this server cannot write to its disk' },
  TOO_LARGE: { status: 413, text: 'Request body too large' },
  BUSY: { status: 503, text: 'too many requests are waiting' },
  BAD_REQUEST: { status: 400, text: 'Bad request' },
  NOT_FOUND: { status: 404, text: 'not found' },
  NAME_TAKEN: { status: 500, text: 'node name is taken by a living member' },
  FOREIGN_CLUSTER: { status: 500, text: 'the other side belongs to another cluster' },
  PROTOCOL: { status: 500, text: 'the other side does not speak our protocol' },
  OFFSET_TRIMMED: { status: 410, text: 'the log no longer holds this offset' },
  OFFSET_FUTURE: { status: 400, text: 'the offset lies beyond the end of the log' },
  QUORUM: { status: 500, text: 'refused: the quorum would be lost' },
  DISK_DAMAGED: { status: 500, text: 'data folder is damaged' },
  DISK_FOREIGN: { status: 500, text: 'data folder belongs to another cluster or node' },
  DISK_IN_USE: { status: 500, text: 'data folder is in use by another process' },
  /** A bug over there: it was written to that side's log; nothing can be said about what happened. */
  INTERNAL: { status: 500, text: 'internal error' },
  CANNOT_LISTEN: { status: 500, text: 'cannot listen' },
  STOPPING: { status: 500, text: 'agent is stopping' },
} as const;

export type ErrorCode = keyof typeof errors;

export const errorCodes = Object.keys(errors) as ErrorCode[];

/** An error that somebody may meet in a healthy program. `detail` says what, where and what to do. */
export class ExpectedError extends Error {
  override readonly name = 'ExpectedError';
  readonly code: ErrorCode;
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** For NOT_LEADER: where the leader is believed to be. */
  readonly data: unknown;

  constructor(
    code: ErrorCode,
    detail?: string,
    options?: { cause?: unknown; data?: unknown; status?: number },
  ) {
    super(detail ?? errors[code].text, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options?.status ?? errors[code].status;
    this.data = options?.data ?? null;
  }
}

export function isExpected(error: unknown, code?: ErrorCode): error is ExpectedError {
  return error instanceof ExpectedError && (code === undefined || error.code === code);
}

/** For people: the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
