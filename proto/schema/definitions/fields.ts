/** Fields that occur in many definitions: durations, sizes, limits, addresses, TLS. */
import { z } from 'zod';
import { parseAddress } from '../../address.ts';
import { durationFromNanoseconds, parseDuration } from '../../duration.ts';
import { messageOf } from '../../errors.ts';
import type { Endpoint } from '../../ports.ts';
import type { Path } from './problem.ts';

/** Milliseconds from Go's syntax; a number counts nanoseconds, as Consul's JSON has it. */
export const duration = z
  .union([z.string(), z.number()], { error: 'must be a duration such as "10s"' })
  .transform((value, context) => {
    if (typeof value === 'number') return durationFromNanoseconds(value);
    const parsed = parseDuration(value);
    if (parsed.ok) return parsed.ms;
    context.issues.push({
      code: 'custom',
      message: `must be a duration such as "10s", "1m30s" or "500ms" (${parsed.message})`,
      input: value,
      params: { consul: `Request decode failed: ${parsed.message}` },
    });
    return z.NEVER;
  })
  .meta({ description: 'A duration such as "10s", "1m30s" or "500ms".', examples: ['10s'] });

const sizeFactors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1_000,
  m: 1_000_000,
  g: 1_000_000_000,
  ki: 1_024,
  mi: 1_048_576,
  gi: 1_073_741_824,
};

/** Bytes from `268435456` or `256MiB`. */
export const size = z
  .union([z.int().nonnegative(), z.string()], { error: 'must be a size such as "256MiB"' })
  .transform((value, context) => {
    if (typeof value === 'number') return value;
    const parts = /^(\d+(?:\.\d+)?) ?(k|m|g|ki|mi|gi)?b?$/i.exec(value);
    if (parts) return Math.round(Number(parts[1]) * sizeFactors[(parts[2] ?? '').toLowerCase()]!);
    context.issues.push({ code: 'custom', message: 'must be a size such as "256MiB"', input: value });
    return z.NEVER;
  })
  .meta({ description: 'A size in bytes, or with a unit: "256MiB".', examples: ['256MiB'] });

/** Where a measured value begins to be bad; its unit depends on the kind of check. */
export const limit = z
  .union([z.number(), z.string()], { error: 'must be a number, a percentage such as "80%" or a duration' })
  .meta({ description: 'From this value on: a number, a percentage ("80%") or a duration ("500ms").' });

/** One text or a list of them. */
export const textOrList = z.union([z.string(), z.array(z.string())], {
  error: 'must be a string or a list of strings',
});

export type Limit = z.output<typeof limit>;

/** Says that a key's value cannot be; `consul` are Consul's own words where it has some. */
export type Refuse = (key: string | Path, message: string, consul?: string) => void;

export const tlsKeys = {
  tls_server_name: z.string().optional().describe('Name to ask for (SNI) and to verify; default: the host.'),
  tls_skip_verify: z.boolean().optional().describe('Accept any certificate.'),
  tls_ca_file: z.string().optional().describe('File with the certificates to trust (PEM).'),
  tls_cert_file: z.string().optional().describe('File with the certificate to present (PEM).'),
  tls_key_file: z.string().optional().describe('File with its private key (PEM).'),
};

/** What to expect of, and show to, the other side of a TLS connection. '' where nothing was said. */
export interface TlsSettings {
  readonly serverName: string;
  readonly skipVerify: boolean;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function tlsSettings(raw: z.output<z.ZodObject<typeof tlsKeys>>, refuse: Refuse): TlsSettings {
  if ((raw.tls_cert_file ?? '') === '' && (raw.tls_key_file ?? '') !== '') {
    refuse('tls_key_file', 'needs tls_cert_file beside it');
  }
  return {
    serverName: raw.tls_server_name ?? '',
    skipVerify: raw.tls_skip_verify ?? false,
    caFile: raw.tls_ca_file ?? '',
    certFile: raw.tls_cert_file ?? '',
    keyFile: raw.tls_key_file ?? '',
  };
}

const nowhere: Endpoint = { host: '', port: 0 };

/** `host:port`, with the port required unless a default is given. */
export function endpointField(key: string, text: string, refuse: Refuse, defaultPort = 0): Endpoint {
  try {
    const endpoint = parseAddress(text, defaultPort);
    if (endpoint.port === 0) refuse(key, 'needs a port: HOST:PORT');
    return endpoint;
  } catch (error) {
    refuse(key, messageOf(error));
    return nowhere;
  }
}

/** `80` or `"80%"`. */
export function percentLimit(
  key: string,
  value: Limit | undefined,
  fallback: number,
  refuse: Refuse,
): number {
  if (value === undefined) return fallback;
  const percent = typeof value === 'number' ? value : Number(/^(\d+(?:\.\d+)?) ?%$/.exec(value)?.[1]);
  if (percent >= 0 && percent <= 100) return percent;
  refuse(key, 'must be a percentage from 0 to 100');
  return fallback;
}

/** A plain number, in the unit that the kind of check names. */
export function numberLimit(key: string, value: Limit | undefined, fallback: number, refuse: Refuse): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0) return value;
  refuse(key, 'must be a number that is not negative');
  return fallback;
}

/** Milliseconds from a duration with a unit. */
export function durationLimit<Fallback>(
  key: string,
  value: Limit | undefined,
  fallback: Fallback,
  refuse: Refuse,
): number | Fallback {
  if (value === undefined) return fallback;
  const parsed = parseDuration(String(value));
  if (parsed.ok && parsed.ms > 0) return parsed.ms;
  refuse(key, parsed.ok ? 'must be longer than 0' : `must be a duration such as "10s" (${parsed.message})`);
  return fallback;
}
