/**
 * X.509 certificates (RFC 5280) with keys on P-256: an authority, and what it signs. Node can check certificates and
 * not make them; this is the small part of the standard that our own need.
 */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  type X509Certificate,
} from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import * as der from './der.ts';

export interface KeyPair {
  /** PEM */
  readonly cert: string;
  /** PEM, PKCS #8 */
  readonly key: string;
}

export interface CertificateWish {
  readonly commonName: string;
  readonly days: number;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: ReadonlyArray<'server' | 'client'>;
}

export interface Authority {
  readonly cert: X509Certificate;
  readonly key: KeyObject;
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of the key usage, first one highest: 0 signature, 5 sign certificates, 6 sign revocation lists. */
const signsCertificates = der.bitString(Buffer.of(0b0000_0110), 1);
const signsHandshakes = der.bitString(Buffer.of(0b1000_0000), 7);

const serialBytes = 16;
/** Clocks of hosts differ: a new certificate is good everywhere at once. */
const backdateMs = 5 * 60_000;
const dayMs = 86_400_000;

export function makeAuthority(commonName: string, days: number): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const subject = nameOf(commonName);
  const cert = certificate(privateKey, subject, subject, spki, days, [
    extension(oids.basicConstraints, true, der.sequence(der.boolean(true))),
    extension(oids.keyUsage, true, signsCertificates),
    extension(oids.subjectKeyId, false, der.octetString(keyIdOf(spki))),
  ]);
  return pems(cert, privateKey);
}

/** Signed by the authority. It is never valid for longer than the authority itself. */
export function makeCertificate(authority: Authority, wish: CertificateWish): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const authoritySpki = authority.cert.publicKey.export({ type: 'spki', format: 'der' });
  const usages = wish.usages.map((usage) => der.oid(usage === 'server' ? oids.serverAuth : oids.clientAuth));
  const names = [
    ...wish.dnsNames.map((name) => der.implicit(2, Buffer.from(name, 'ascii'))),
    ...wish.ipAddresses.map((ip) => der.implicit(7, ipBytes(ip))),
  ];
  const leftDays = (Date.parse(authority.cert.validTo) - Date.now()) / dayMs;
  const days = Math.min(wish.days, leftDays);
  const cert = certificate(
    authority.key,
    nameOf(commonNameOf(authority.cert)),
    nameOf(wish.commonName),
    spki,
    days,
    [
      extension(oids.basicConstraints, true, der.sequence()),
      extension(oids.keyUsage, true, signsHandshakes),
      extension(oids.extendedKeyUsage, false, der.sequence(...usages)),
      extension(oids.subjectKeyId, false, der.octetString(keyIdOf(spki))),
      extension(oids.authorityKeyId, false, der.sequence(der.implicit(0, keyIdOf(authoritySpki)))),
      extension(oids.subjectAltName, false, der.sequence(...names)),
    ],
  );
  return pems(cert, privateKey);
}

/** The common name of a certificate's subject; '' when it has none. */
export function commonNameOf(cert: X509Certificate): string {
  return /^CN=(.*)$/m.exec(cert.subject)?.[1] ?? '';
}

function certificate(
  signer: KeyObject,
  issuer: Uint8Array,
  subject: Uint8Array,
  spki: Uint8Array,
  days: number,
  extensions: readonly Uint8Array[],
): Buffer {
  const version3 = der.explicit(0, der.integer(Buffer.of(2)));
  const algorithm = der.sequence(der.oid(oids.ecdsaWithSha256));
  const now = Date.now();
  const validity = der.sequence(
    der.time(new Date(now - backdateMs)),
    der.time(new Date(Math.floor((now + days * dayMs) / 1000) * 1000)),
  );
  const serial = der.integer(randomBytes(serialBytes));
  const body = der.sequence(
    version3,
    serial,
    algorithm,
    issuer,
    validity,
    subject,
    spki,
    der.explicit(3, der.sequence(...extensions)),
  );
  return der.sequence(body, algorithm, der.bitString(sign('sha256', body, signer)));
}

function nameOf(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8(commonName))));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const mark = critical ? [der.boolean(true)] : [];
  return der.sequence(der.oid(id), ...mark, der.octetString(value));
}

/** RFC 5280, 4.2.1.2: any name for the key that is the same on both sides will do. */
function keyIdOf(spki: Uint8Array): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  if (isIP(ip) === 0) throw new TypeError(`${ip} is no IP address`);
  const [head = '', tail] = ip.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  const all = tail === undefined ? first : [...first, ...zeros, ...last];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function pems(cert: Uint8Array, key: KeyObject): KeyPair {
  const lines =
    Buffer.from(cert)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: String(key.export({ type: 'pkcs8', format: 'pem' })),
  };
}
