/** An agent that is a server itself asks its own handlers: the same interface, without a wire. */
import type { Clock } from '../../proto/ports.ts';
import type { Rpc, RpcHandlers, RpcPeer } from '../../proto/rpc.ts';
import { CallTable } from './calls.ts';

/** `peer` is this very node. Values are handed over as they are, so neither side changes what it was given. */
export function localRpc(handlers: RpcHandlers, peer: RpcPeer, clock: Clock): Rpc {
  const calls = new CallTable(clock);
  let lastId = 0;
  return {
    call(method, params, options) {
      lastId += 1;
      const id = lastId;
      const answer = calls.wait(id, method, options, () => {});
      handlers.calls[method](params, peer).then(
        (value) => calls.settle(id)?.resolve(value),
        (error: unknown) => calls.settle(id)?.reject(error),
      );
      return answer as ReturnType<Rpc['call']> as never;
    },

    async *stream(method, params, options) {
      const abort = new AbortController();
      const stop = () => abort.abort();
      if (options?.signal?.aborted) return;
      options?.signal?.addEventListener('abort', stop, { once: true });
      try {
        for await (const item of handlers.streams[method](params, peer, abort.signal)) {
          if (abort.signal.aborted) return;
          yield item;
        }
      } finally {
        options?.signal?.removeEventListener('abort', stop);
        stop();
      }
    },

    notify(method, params) {
      handlers.notices[method](params, peer);
    },
  };
}
