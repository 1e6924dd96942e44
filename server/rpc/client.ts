/**
 * The calling side of 8300, and what an agent needs of it: dial an address, shake hands, talk. Everything that
 * touches the world (network, time, randomness, the end of a turn) comes in one object, `RpcHost`.
 */
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock, Endpoint, Random } from '../../proto/ports.ts';
import type { Handlers } from './answering.ts';
import type { StreamNetwork } from './byte-stream.ts';
import { type ConnectionHost, RpcConnection } from './connection.ts';
import { type HandshakeHost, type RpcIdentity, shakeHands } from './handshake.ts';

export type { Handlers } from './answering.ts';
export type { StreamNetwork } from './byte-stream.ts';
export { RpcConnection } from './connection.ts';
export type { RpcIdentity } from './handshake.ts';

/** Until the other side's socket has answered. */
export const dialTimeoutMs = 5_000;

export interface RpcHost extends HandshakeHost, ConnectionHost {
  readonly network: StreamNetwork;
}

export interface RpcHostParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: StreamNetwork;
  identity(): RpcIdentity;
  /** Keys of the gossip ring, the sealing one first. Default: none, so nothing is to be proven. */
  keys?(): readonly Uint8Array[];
  /** Default: nothing is answered. */
  readonly handlers?: Handlers;
  /** Default `queueMicrotask`; production passes `process.nextTick`, so that one write carries what one event brought about. */
  readonly defer?: (run: () => void) => void;
  onBug(error: unknown, method: string): void;
}

/** One per process: the instance it draws tells this process from the one before a restart. */
export function makeRpcHost(parts: RpcHostParts): RpcHost {
  return {
    clock: parts.clock,
    random: parts.random,
    network: parts.network,
    identity: () => parts.identity(),
    keys: () => parts.keys?.() ?? [],
    handlers: parts.handlers ?? {},
    defer: parts.defer ?? queueMicrotask,
    onBug: (error, method) => parts.onBug(error, method),
    instance: parts.random.bytes(8),
  };
}

/** Rejects with CONNECTION_LOST, or with what either side has against the other (FOREIGN_CLUSTER, PROTOCOL …). */
export async function connectRpc(
  to: Endpoint,
  host: RpcHost,
  options?: { signal?: AbortSignal },
): Promise<RpcConnection> {
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  const timer = host.clock.after(dialTimeoutMs, giveUp);
  options?.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    if (options?.signal?.aborted)
      throw new ExpectedError('STOPPING', 'the connection is not wanted any more');
    const stream = await host.network.dial(to, abort.signal);
    timer.cancel();
    return new RpcConnection(stream, 'caller', await shakeHands(stream, 'caller', host), host);
  } finally {
    timer.cancel();
    options?.signal?.removeEventListener('abort', giveUp);
  }
}
