/** Questions to the DNS, each with a resolver of its own, so that one that hangs can be cancelled alone. */
import dns from 'node:dns';
import { formatAddress } from '../../proto/address.ts';
import { NetworkError, type RecordType, type Resolver } from '../../proto/host-ports.ts';

export function hostResolver(): Resolver {
  return {
    async resolve(name, type, { server, timeoutMs, signal }) {
      const resolver = new dns.promises.Resolver({ timeout: timeoutMs, tries: 1 });
      if (server !== null) resolver.setServers([formatAddress(server)]);
      const timer = setTimeout(() => resolver.cancel(), timeoutMs);
      const cancel = () => resolver.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return await ask(resolver, name, type);
      } catch (error) {
        throw failure(error as NodeJS.ErrnoException, name);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
      }
    },
  };
}

async function ask(resolver: dns.promises.Resolver, name: string, type: RecordType): Promise<string[]> {
  switch (type) {
    case 'A':
      return resolver.resolve4(name);
    case 'AAAA':
      return resolver.resolve6(name);
    case 'CNAME':
      return resolver.resolveCname(name);
    case 'NS':
      return resolver.resolveNs(name);
    case 'PTR':
      return resolver.resolvePtr(name);
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${priority} ${exchange}`);
    case 'SRV':
      return (await resolver.resolveSrv(name)).map(
        ({ priority, weight, port, name }) => `${priority} ${weight} ${port} ${name}`,
      );
    case 'TXT':
      return (await resolver.resolveTxt(name)).map((parts) => parts.join(''));
  }
}

const texts: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  ENODATA: 'no records of this type',
  ETIMEOUT: 'i/o timeout',
  ECANCELLED: 'i/o timeout',
  ECONNREFUSED: 'the server refused the question',
  ESERVFAIL: 'server misbehaving',
  EREFUSED: 'the server refused to answer',
};

function failure(error: NodeJS.ErrnoException, name: string): NetworkError {
  const code = error.code ?? 'UNKNOWN';
  return new NetworkError(code, `lookup ${name}: ${texts[code] ?? error.message}`);
}
