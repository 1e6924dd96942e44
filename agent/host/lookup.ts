/**
 * Names of hosts for connections of checks: the hosts file, then the DNS by c-ares, with the search list of
 * resolv.conf. Node's own way is getaddrinfo in one of four threads, which all file work shares; four checks
 * of names whose DNS server hangs would stop everything else. It is asked only when the DNS works and does
 * not know the name (mDNS, LDAP and the like), one name at a time.
 */
import dns from 'node:dns';
import { readFile, stat } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { NetworkError } from '../../proto/host-ports.ts';

/** Of one question to one server; c-ares doubles it for the second try. */
const queryTimeoutMs = 2_000;
const queryTries = 2;

interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface LookupFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

/** A lookup function for `net.connect` and whatever takes one like it. */
export function hostLookup(
  files: LookupFiles = { hosts: '/etc/hosts', resolvConf: '/etc/resolv.conf' },
): LookupFunction {
  const hosts = cachedFile(files.hosts, parseHosts);
  const dnsConfig = cachedFile(files.resolvConf, (text) => ({
    ...parseResolvConf(text),
    resolver: new dns.promises.Resolver({ timeout: queryTimeoutMs, tries: queryTries }),
  }));
  let systemBusy: Promise<unknown> = Promise.resolve();

  async function addressesOf(name: string): Promise<readonly Address[]> {
    const plain = name.toLowerCase().replace(/\.$/, '');
    const known = (await hosts()).get(plain);
    if (known !== undefined) return known;
    if (plain === 'localhost' || plain.endsWith('.localhost')) return loopback;
    const { resolver, search, ndots } = await dnsConfig();
    for (const candidate of candidates(name, search, ndots)) {
      const found = await ask(resolver, candidate);
      if (found.length > 0) return found;
    }
    const asked = systemBusy.then(() => dns.promises.lookup(name, { all: true }));
    systemBusy = asked.catch(() => {});
    return (await asked) as Address[];
  }

  return (name, options, callback) => {
    const wanted = options.family === 4 || options.family === 6 ? options.family : 0;
    addressesOf(name)
      .then((all) => all.filter(({ family }) => wanted === 0 || family === wanted))
      .then((found) => {
        if (found.length === 0) throw new NetworkError('ENOTFOUND', `lookup ${name}: no such host`);
        if (options.all) callback(null, [...found]);
        else callback(null, found[0]!.address, found[0]!.family);
      })
      .catch((error: NodeJS.ErrnoException) => callback(error, '', 0));
  };
}

const loopback: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** IPv4 first, as it is what answers on most hosts; empty when the DNS does not know the name. */
async function ask(resolver: dns.promises.Resolver, name: string): Promise<Address[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found: Address[] = [];
  if (four.status === 'fulfilled')
    found.push(...four.value.map((address) => ({ address, family: 4 as const })));
  if (six.status === 'fulfilled')
    found.push(...six.value.map((address) => ({ address, family: 6 as const })));
  if (found.length === 0) {
    for (const answer of [four, six]) {
      if (answer.status === 'rejected' && !unknown.has(answer.reason.code)) throw answer.reason;
    }
  }
  return found;
}

/** The DNS has answered, and the answer is no. */
const unknown = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/** The names to ask for, in the order of resolv.conf(5). */
export function candidates(name: string, search: readonly string[], ndots: number): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

export function parseHosts(text: string): Map<string, Address[]> {
  const names = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [address, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!address) continue;
    const family = address.includes(':') ? 6 : 4;
    for (const alias of aliases) {
      const known = names.get(alias.toLowerCase()) ?? [];
      names.set(alias.toLowerCase(), [...known, { address: address.replace(/%.*/, ''), family }]);
    }
  }
  return names;
}

export function parseResolvConf(text: string): {
  readonly search: readonly string[];
  readonly ndots: number;
} {
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (key === 'search' || key === 'domain') search = values.map((domain) => domain.replace(/\.$/, ''));
    const option = values.find((value) => value.startsWith('ndots:'));
    if (key === 'options' && option !== undefined) ndots = Number(option.slice('ndots:'.length)) || 0;
  }
  return { search: search.filter((domain) => domain !== ''), ndots };
}

/** What a file says, read again when it changed; a missing file is an empty one. */
function cachedFile<Content>(path: string, parse: (text: string) => Content): () => Promise<Content> {
  let known: { readonly stamp: string; readonly content: Content } | null = null;
  return async () => {
    const stamp = await stat(path).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      () => 'missing',
    );
    if (known?.stamp !== stamp) {
      known = { stamp, content: parse(await readFile(path, 'utf8').catch(() => '')) };
    }
    return known.content;
  };
}
