/**
 * The certificates of this agent. They are read and checked whenever the configuration is, and count for new connections
 * from then on; a set that does not fit together is refused as a whole, and the old one stays.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ExpectedError, messageOf } from '../../proto/errors.ts';
import type { StreamNetwork } from '../../server/rpc/client.ts';
import { serverNameOf, type TlsMaterial, tlsNetwork } from '../../server/rpc/tls.ts';
import type { AgentConfig, TlsConfig } from '../config/agent-config.ts';

export class TlsKeeper {
  /** TCP, with TLS where the configuration wants it. */
  readonly network: StreamNetwork = tlsNetwork(() => this.#material);
  #material: TlsMaterial | null = null;

  /** Rejects with BAD_REQUEST, which names the file and what is wrong with it; then nothing has changed. */
  async use(config: Pick<AgentConfig, 'tls' | 'datacenter'>): Promise<void> {
    this.#material = config.tls === null ? null : await readMaterial(config.tls, config.datacenter);
  }
}

async function readMaterial(tls: TlsConfig, datacenter: string): Promise<TlsMaterial> {
  const ca = await read('ca_file', tls.caFile);
  check('ca_file', tls.caFile, () => soundCertificate(ca));
  const cert = tls.certFile === '' ? '' : await read('cert_file', tls.certFile);
  const key = tls.keyFile === '' ? '' : await read('key_file', tls.keyFile);
  if (cert !== '') {
    const own = check('cert_file', tls.certFile, () => soundCertificate(cert));
    const secret = check('key_file', tls.keyFile, () => createPrivateKey(key));
    check('key_file', tls.keyFile, () => {
      if (!own.checkPrivateKey(secret)) throw new Error(`it is not the key of ${tls.certFile}`);
    });
  }
  const { verifyIncoming, verifyOutgoing, verifyServerHostname } = tls;
  const serverName = serverNameOf(datacenter);
  return { ca, cert, key, verifyIncoming, verifyOutgoing, verifyServerHostname, serverName };
}

async function read(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrong(name, path, error);
  }
}

/** The first certificate of a file. Throws when it is none, or when nobody would take it any more. */
function soundCertificate(pem: string): X509Certificate {
  const certificate = new X509Certificate(pem);
  if (Date.parse(certificate.validTo) < Date.now()) throw new Error(`it expired on ${certificate.validTo}`);
  return certificate;
}

function check<T>(name: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw wrong(name, path, error);
  }
}

function wrong(name: string, path: string, error: unknown): ExpectedError {
  return new ExpectedError('BAD_REQUEST', `tls: ${name} ${path}: ${messageOf(error)}`, {
    cause: error,
    status: 500,
  });
}
