/** TLS settings of a definition as Node's options, and what a peer presented. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { CertificateFacts } from '../../proto/host-ports.ts';
import type { TlsSettings } from '../../proto/schema/definitions.ts';

/** Files are read with every run: a renewed certificate counts at once. */
export async function tlsOptions(
  settings: TlsSettings,
  host: string,
): Promise<Pick<ConnectionOptions, 'rejectUnauthorized' | 'servername' | 'ca' | 'cert' | 'key'>> {
  const { caFile, certFile, keyFile, serverName, skipVerify } = settings;
  const [ca, cert, key] = await Promise.all([fileOf(caFile), fileOf(certFile), fileOf(keyFile || certFile)]);
  return {
    rejectUnauthorized: !skipVerify,
    // The standard forbids addresses as names; the certificate is compared with the address then.
    servername: serverName || (isIP(host) === 0 ? host : ''),
    ...(ca === null ? {} : { ca }),
    ...(cert === null || key === null ? {} : { cert, key }),
  };
}

async function fileOf(path: string): Promise<Buffer | null> {
  return path === '' ? null : readFile(path);
}

/** Null when the other side presented no certificate. */
export function certificateOf(socket: TLSSocket): CertificateFacts | null {
  const certificate = socket.getPeerCertificate();
  if (certificate.valid_to === undefined) return null;
  return { subject: String(certificate.subject?.CN ?? ''), validToMs: Date.parse(certificate.valid_to) };
}
