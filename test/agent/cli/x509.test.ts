import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeAuthority, makeCertificate } from '../../../agent/cli/x509.ts';

const dayMs = 86_400_000;

function authority(days = 100) {
  const pair = makeAuthority('rollcall agent CA', days);
  return { cert: new X509Certificate(pair.cert), key: createPrivateKey(pair.key) };
}

const wish = {
  commonName: 'server.dc1.rollcall',
  days: 30,
  dnsNames: ['server.dc1.rollcall'],
  ipAddresses: ['127.0.0.1', 'fe80::1'],
  usages: ['server', 'client'] as const,
};

test('an authority signs itself and others, and only what it signed is its own', () => {
  const own = authority();
  expect(own.cert.ca).toBe(true);
  expect(own.cert.verify(own.cert.publicKey)).toBe(true);
  expect(own.cert.checkPrivateKey(own.key)).toBe(true);
  const pair = makeCertificate(own, wish);
  const cert = new X509Certificate(pair.cert);
  expect(cert.checkIssued(own.cert)).toBe(true);
  expect(cert.verify(own.cert.publicKey)).toBe(true);
  expect(cert.verify(authority().cert.publicKey)).toBe(false);
  expect(cert.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
  expect(cert.ca).toBe(false);
});

test('names, addresses and uses are what was asked for', () => {
  const cert = new X509Certificate(makeCertificate(authority(), wish).cert);
  expect(cert.checkHost('server.dc1.rollcall')).toBe('server.dc1.rollcall');
  expect(cert.checkHost('server.dc2.rollcall')).toBeUndefined();
  expect(cert.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(cert.checkIP('fe80::1')).toBe('fe80::1');
  expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

test('a certificate is good at once on a host whose clock is late, and never longer than its authority', () => {
  const cert = new X509Certificate(makeCertificate(authority(10), wish).cert);
  expect(Date.parse(cert.validFrom)).toBeLessThan(Date.now() - 4 * 60_000);
  expect(Math.abs(Date.parse(cert.validTo) - Date.now() - 10 * dayMs)).toBeLessThan(60_000);
});

test('a hundred of them can be read: no number comes out with a wrong sign or length', () => {
  const own = authority();
  const serials = Array.from({ length: 100 }, () => {
    const cert = new X509Certificate(makeCertificate(own, wish).cert);
    expect(cert.verify(own.cert.publicKey)).toBe(true);
    return cert.serialNumber;
  });
  expect(new Set(serials).size).toBe(100);
});
