import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TlsKeeper } from '../../../agent/cli/tls-keeper.ts';
import { makeAuthority, makeCertificate } from '../../../agent/cli/x509.ts';
import type { TlsConfig } from '../../../agent/config/agent-config.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Files of one authority and one server; what is given is written instead. */
function files(instead: Partial<Record<'ca' | 'cert' | 'key', string>> = {}): TlsConfig {
  const ca = makeAuthority('CA', 10);
  const authority = { cert: new X509Certificate(ca.cert), key: createPrivateKey(ca.key) };
  const names = ['server.dc1.rollcall'];
  const wish = {
    commonName: 'x',
    days: 5,
    dnsNames: names,
    ipAddresses: [],
    usages: ['server', 'client'] as const,
  };
  const own = makeCertificate(authority, wish);
  const texts = { ca: ca.cert, cert: own.cert, key: own.key, ...instead };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  const rules = { verifyIncoming: true, verifyOutgoing: true, verifyServerHostname: true };
  return {
    caFile: join(folder, 'ca'),
    certFile: join(folder, 'cert'),
    keyFile: join(folder, 'key'),
    ...rules,
  };
}

/** Dials itself and answers what arrived, or the error of the caller. */
async function talk(keeper: TlsKeeper): Promise<string> {
  let heard: (text: string) => void = () => {};
  const hearing = new Promise<string>((resolve) => {
    heard = resolve;
  });
  const server = await keeper.network.listen({ host: '127.0.0.1', port: 0 }, (stream) => {
    stream.receive({
      onData: (bytes) => {
        heard(Buffer.from(bytes).toString());
        stream.end();
      },
      onDrain: () => {},
      onClose: () => {},
    });
  });
  const stream = await keeper.network.dial(server.address);
  stream.receive({ onData: () => {}, onDrain: () => {}, onClose: () => {} });
  stream.write(Buffer.from('hello'));
  const text = await hearing;
  stream.destroy();
  await server.close();
  return text;
}

test('plain without certificates, TLS with them; a new set counts at once', async () => {
  const keeper = new TlsKeeper();
  expect(await talk(keeper)).toBe('hello');
  await keeper.use({ tls: files(), datacenter: 'dc1' });
  expect(await talk(keeper)).toBe('hello');
  await keeper.use({ tls: files(), datacenter: 'dc1' });
  expect(await talk(keeper)).toBe('hello');
  await keeper.use({ tls: null, datacenter: 'dc1' });
  expect(await talk(keeper)).toBe('hello');
});

test('a set that does not fit together is refused with the file, and the old one stays', async () => {
  const keeper = new TlsKeeper();
  await keeper.use({ tls: files(), datacenter: 'dc1' });
  const wrongs = [
    [() => files({ key: makeAuthority('other', 1).key }), 'key_file', 'is not the key of'],
    [() => files({ cert: 'nonsense' }), 'cert_file', 'PEM'],
    [() => files({ ca: '' }), 'ca_file', 'PEM'],
    [() => ({ ...files(), caFile: join(folder, 'nothing') }), 'ca_file', 'ENOENT'],
    [() => files({ ca: makeAuthority('old', -1).cert }), 'ca_file', 'expired'],
  ] as const;
  for (const [make, key, message] of wrongs) {
    const tls = make();
    const using = keeper.use({ tls, datacenter: 'dc1' });
    await expect(using).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining(`tls: ${key} `),
    });
    await expect(keeper.use({ tls, datacenter: 'dc1' })).rejects.toThrow(message);
  }
  expect(await talk(keeper)).toBe('hello');
});

test('a name of another datacenter is no server of ours', async () => {
  const keeper = new TlsKeeper();
  await keeper.use({ tls: files(), datacenter: 'dc2' });
  await expect(talk(keeper)).rejects.toThrow('server.dc2.rollcall');
});
