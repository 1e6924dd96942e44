/** `/v1/status/…`: who leads and who votes, as RPC addresses. Reference: consul-http-api, section 9.2. */
import { type Answer, json } from './answers.ts';
import type { HttpContext } from './context.ts';
import type { CatalogReader } from './reads.ts';
import type { Route } from './transport.ts';

export function statusRoutes(context: HttpContext, reader: CatalogReader): Route[] {
  const ask = (key: 'leader' | 'peers'): Route['methods'] => ({
    GET: async (call): Promise<Answer> => {
      reader.checkDatacenter(call);
      const status = await context.rpc.call('status', {});
      return json(status[key]);
    },
  });
  return [
    { path: '/v1/status/leader', methods: ask('leader') },
    { path: '/v1/status/peers', methods: ask('peers') },
  ];
}
