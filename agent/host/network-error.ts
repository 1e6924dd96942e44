/** Node's errors of the network as one kind of error, with the texts that Consul's users know (Go's). */
import { formatAddress } from '../../proto/address.ts';
import { NetworkError } from '../../proto/host-ports.ts';
import type { Endpoint } from '../../proto/ports.ts';

const connectTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
  ENOENT: 'no such file or directory',
};

/** `where` is what was dialled; `network` is `tcp`, `udp` or `unix`. */
export function networkError(error: unknown, network: string, where: Endpoint | string): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = 'UNKNOWN', message } = firstOf(error);
  const address = typeof where === 'string' ? where : formatAddress(where);
  const connectText = connectTexts[code];
  if (connectText !== undefined) {
    return new NetworkError(code, `dial ${network} ${address}: connect: ${connectText}`);
  }
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return new NetworkError(code, `dial ${network}: lookup ${hostOf(where)}: no such host`);
    case 'ECONNRESET':
      return new NetworkError(code, `read ${network} ${address}: connection reset by peer`);
    case 'EPIPE':
      return new NetworkError(code, `write ${network} ${address}: broken pipe`);
  }
  if (dnsCodes.has(code))
    return new NetworkError(code, `dial ${network}: lookup ${hostOf(where)}: ${message}`);
  if (isCertificateError(code)) {
    return new NetworkError(code, `tls: failed to verify certificate: ${message}`);
  }
  return new NetworkError(code, message || code);
}

/** The deadline of the whole request has passed. */
export function dialTimeout(network: string, where: Endpoint | string): NetworkError {
  const address = typeof where === 'string' ? where : formatAddress(where);
  return new NetworkError('ETIMEDOUT', `dial ${network} ${address}: i/o timeout`);
}

const dnsCodes = new Set(['ETIMEOUT', 'ESERVFAIL', 'EREFUSED', 'ECANCELLED', 'EAI_AGAIN']);

/** OpenSSL's verification results as Node names them. */
function isCertificateError(code: string): boolean {
  return (
    /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_)/.test(code) ||
    code === 'INVALID_CA' ||
    code === 'HOSTNAME_MISMATCH'
  );
}

/** Of an attempt with several addresses, the first failure tells most. */
function firstOf(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return firstOf(error.errors[0]);
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? { message: error.message } : { code, message: error.message };
}

function hostOf(where: Endpoint | string): string {
  return typeof where === 'string' ? where : where.host;
}
