/**
 * What checks ask of the host and of the network, as ports. Production hands in `agent/host`; a test hands in
 * whatever answers it likes.
 */
import type { Endpoint } from './ports.ts';
import type { TlsSettings } from './schema/definitions.ts';

/** An expected failure on the way to somebody else. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  /** As Node has it: `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED` …; `ETIMEDOUT` for our own deadline. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Of the certificate that the other side presented. */
export interface CertificateFacts {
  readonly subject: string;
  /** Unix milliseconds. */
  readonly validToMs: number;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: string | Uint8Array;
  /** For everything: name, connection, redirects, body. In milliseconds. */
  readonly timeoutMs: number;
  /** Bytes of the body that are kept; the rest is not waited for. */
  readonly bodyBytesMax: number;
  /** How many redirects are followed; 0 takes a redirect as the answer. */
  readonly redirectsMax: number;
  readonly tls?: TlsSettings;
  /** Unix socket to connect to instead of the URL's host. */
  readonly socketPath?: string;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Reason phrase, as the server sent it or as the standard has it. */
  readonly statusText: string;
  /** Names in lower case; values of the same name are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Null without TLS. */
  readonly certificate: CertificateFacts | null;
}

/** Asks once; expected failures reject with a NetworkError. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpAnswer>;
}

export interface DialRequest {
  readonly target: Endpoint;
  readonly timeoutMs: number;
  /** Null: no TLS. */
  readonly tls: TlsSettings | null;
  readonly signal?: AbortSignal;
}

/** Connections that are made to see whether they can be made. Expected failures reject with a NetworkError. */
export interface Dialer {
  /** Connects, shakes hands if `tls` is given, and closes. */
  tcp(request: DialRequest): Promise<{ readonly certificate: CertificateFacts | null }>;
  /** Sends a datagram and waits for an answer: false when there was only silence. */
  udp(request: Omit<DialRequest, 'tls'>): Promise<boolean>;
}

export interface Http2Call extends DialRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly answerBytesMax: number;
}

export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** HTTP/2 by prior knowledge, one connection a call. Expected failures reject with a NetworkError. */
export interface Http2Client {
  /** Round trip of a PING frame, in milliseconds. */
  ping(request: DialRequest): Promise<number>;
  /** One POST. */
  post(request: Http2Call): Promise<Http2Answer>;
}

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'NS' | 'PTR' | 'SRV' | 'TXT';

/** Questions to the DNS. Expected failures reject with a NetworkError. */
export interface Resolver {
  /** The answers as text, each on its own (`10 mail.example.test` for MX). `server` null: the host's. */
  resolve(
    name: string,
    type: RecordType,
    options: { readonly server: Endpoint | null; readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<readonly string[]>;
}

export interface FileFacts {
  /** Path after all symbolic links. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly isFile: boolean;
  readonly modifiedMs: number;
}

export interface ProcessFacts {
  readonly pid: number;
  /** Ticks since boot at its start: with the pid it names a process for good. */
  readonly startTicks: number;
  readonly parentPid: number;
  /** Name of the program, at most 15 bytes. */
  readonly name: string;
  /** Program and arguments; empty for a thread of the kernel and a zombie. */
  readonly argv: readonly string[];
}

/** What this host knows of itself. Failures reject with a Node-like error that has a `code`. */
export interface HostFacts {
  /** Space and inodes of the file system that holds the path. A second question waits for the first. */
  disk(path: string): Promise<{
    readonly totalBytes: number;
    readonly freeBytes: number;
    /** 0 where the file system does not count them. */
    readonly totalInodes: number;
    readonly freeInodes: number;
  }>;
  memory(): Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
  load(): { readonly averages: readonly [one: number, five: number, fifteen: number]; readonly cpus: number };
  file(path: string): Promise<FileFacts>;
  /** Hex digest of the content. */
  sha256(path: string): Promise<string>;
  processes(): Promise<readonly ProcessFacts[]>;
  /** Null when there is no such user or group. Numbers are taken as they are. */
  user(name: string): Promise<{ readonly uid: number; readonly gid: number; readonly home: string } | null>;
  group(name: string): Promise<number | null>;
}

/** What every process of a run inherits from it, and nobody else has. */
export interface RunMark {
  /** Variable of the environment, and how its value begins. */
  readonly variable: string;
  readonly prefix: string;
  /** Value of `oom_score_adj`: it stays when the environment was wiped. */
  readonly oomScoreAdj: number;
}

/** A group of processes that nobody leaves by his own means, where the host has such a thing. */
export interface ControlGroup {
  /** Moves this process into it; whatever it starts from then on is born there. False where that cannot be. */
  enter(): Promise<boolean>;
  /** Numbers of the processes in it but this one; before `enter`, what an earlier life of this agent has left there. */
  members(): Promise<ReadonlySet<number>>;
  /** Moves this process back and removes the group. */
  leave(): Promise<void>;
}

export interface MarkedProcess extends ProcessFacts {
  /** Value of the variable; null when it was wiped. */
  readonly mark: string | null;
  /** It is a member of the agent's control group: some run began it, whatever marks it has. */
  readonly inGroup: boolean;
}

/** Finds and ends what left the process group of its run. */
export interface MarkedProcesses {
  /** All processes that carry a part of the mark, and these members of the agent's control group. */
  find(mark: RunMark, members: ReadonlySet<number>): Promise<readonly MarkedProcess[]>;
  /** SIGKILL, if it is still the same process; false when it is not there or not ours to end. */
  kill(process: ProcessFacts): boolean;
}
