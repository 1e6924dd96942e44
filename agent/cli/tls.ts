/** `rollcall tls …`: makes an authority and certificates of it, for the `tls` block of the configuration. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../proto/errors.ts';
import { serverNameOf } from '../../server/rpc/tls.ts';
import { Exit, exitFailed, exitUsage, type Io } from './io.ts';
import { collect, wholeNumber } from './shared.ts';
import { type Authority, type KeyPair, makeAuthority, makeCertificate } from './x509.ts';

interface CertOptions {
  readonly server?: boolean;
  readonly client?: boolean;
  readonly dc: string;
  readonly days: number;
  readonly ca: string;
  readonly key: string;
  readonly additionalDnsname?: readonly string[];
  readonly additionalIpaddress?: readonly string[];
  readonly dir: string;
}

const authorityDays = 1_825;
const certificateDays = 365;
const authorityFile = 'rollcall-agent-ca.pem';
const authorityKeyFile = 'rollcall-agent-ca-key.pem';
/** More certificates of one sort in one folder are hardly meant. */
const numberMax = 10_000;

export function command(io: Io): Command {
  const tls = new Command();
  const authority = tls.command('ca').description('The authority that signs the certificates of a cluster.');
  authority
    .command('create')
    .description(`Write ${authorityFile} and its key; keep the key off the agents.`)
    .option('--days <number>', 'how long it is valid', days, authorityDays)
    .option('--dir <folder>', 'where to write', '.')
    .action(async (options: { days: number; dir: string }) => {
      const cert = join(options.dir, authorityFile);
      const key = join(options.dir, authorityKeyFile);
      await write(io, { cert, key }, makeAuthority('rollcall agent CA', options.days));
    });
  const certificate = tls.command('cert').description('What servers and agents show to each other.');
  certificate
    .command('create')
    .description('Write a certificate and its key, signed by the authority.')
    .option('--server', 'for a server; also good for calling other servers')
    .option('--client', 'for an agent that is no server')
    .option('--dc <name>', 'datacenter of the server', 'dc1')
    .option('--days <number>', 'how long it is valid', days, certificateDays)
    .option('--ca <file>', 'certificate of the authority', authorityFile)
    .option('--key <file>', 'key of the authority', authorityKeyFile)
    .option('--additional-dnsname <name>', 'one more name it is good for; may be repeated', collect)
    .option('--additional-ipaddress <ip>', 'one more address it is good for; may be repeated', ips)
    .option('--dir <folder>', 'where to write', '.')
    .action((options: CertOptions) => createCertificate(options, io));
  return tls;
}

async function createCertificate(options: CertOptions, io: Io): Promise<void> {
  if (options.server === options.client) throw new Exit(exitUsage, 'give either --server or --client');
  const authority = await readAuthority(options);
  const role = options.server ? 'server' : 'client';
  const name = options.server ? serverNameOf(options.dc) : `client.${options.dc}.rollcall`;
  const pair = makeCertificate(authority, {
    commonName: name,
    days: options.days,
    dnsNames: [name, 'localhost', ...(options.additionalDnsname ?? [])],
    ipAddresses: ['127.0.0.1', ...(options.additionalIpaddress ?? [])],
    usages: options.server ? ['server', 'client'] : ['client'],
  });
  await write(io, await freeNames(join(options.dir, `${options.dc}-${role}-rollcall`)), pair);
}

async function readAuthority({ ca, key }: CertOptions): Promise<Authority> {
  try {
    const authority = {
      cert: new X509Certificate(await readFile(ca)),
      key: createPrivateKey(await readFile(key)),
    };
    const { namedCurve } = authority.key.asymmetricKeyDetails ?? {};
    if (namedCurve !== 'prime256v1' || /\n/.test(authority.cert.subject)) {
      throw new Error(`${ca} was not made here, so whoever made it signs with it`);
    }
    if (!authority.cert.ca) throw new Error(`${ca} is no authority`);
    if (!authority.cert.checkPrivateKey(authority.key)) throw new Error(`${key} is not the key of ${ca}`);
    return authority;
  } catch (error) {
    const advice = '`rollcall tls ca create` makes an authority, --ca and --key name another one';
    throw new Exit(exitFailed, `the authority cannot be read: ${messageOf(error)} (${advice})`);
  }
}

/** As Consul does: dc1-server-rollcall-0.pem, then -1, … */
async function freeNames(prefix: string): Promise<{ cert: string; key: string }> {
  for (let number = 0; number < numberMax; number++) {
    const names = { cert: `${prefix}-${number}.pem`, key: `${prefix}-${number}-key.pem` };
    if (!(await exists(names.cert)) && !(await exists(names.key))) return names;
  }
  throw new Exit(exitFailed, `there are ${numberMax} certificates called ${prefix} already`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Never over what is there: a lost authority is a lost cluster. */
async function write(io: Io, names: { cert: string; key: string }, pair: KeyPair): Promise<void> {
  try {
    await writeFile(names.key, pair.key, { flag: 'wx', mode: 0o600 });
    await writeFile(names.cert, pair.cert, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    throw new Exit(exitFailed, `cannot write: ${messageOf(error)}`);
  }
  await io.print(`Wrote ${names.cert}\nWrote ${names.key} (secret)\n`);
}

function days(text: string): number {
  const number = wholeNumber(text);
  if (number >= 1 && number <= 36_500) return number;
  throw new InvalidArgumentError('It must be between 1 and 36500 days.');
}

function ips(value: string, before?: readonly string[]): readonly string[] {
  if (isIP(value) === 0) throw new InvalidArgumentError('It must be an IP address.');
  return collect(value, before);
}
