import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap } from '../../../agent/config/located.ts';
import { Problems } from '../../../agent/config/problems.ts';
import { checkTls, resolveTls } from '../../../agent/config/tls.ts';

function tree(tls: object): LocatedMap {
  return fromPlain({ tls }, { file: 'f', line: 3, column: 1 }) as LocatedMap;
}

const files = { ca_file: 'ca.pem', cert_file: '/etc/own.pem', key_file: 'own.key' };

test('internal_rpc stands before defaults; paths are absolute; looking at names means looking at all', () => {
  const tls = {
    defaults: { ...files, verify_incoming: true },
    internal_rpc: { ca_file: '/rpc.pem', verify_server_hostname: true },
  };
  expect(resolveTls(tree(tls), '/srv')).toEqual({
    caFile: '/rpc.pem',
    certFile: '/etc/own.pem',
    keyFile: '/srv/own.key',
    verifyIncoming: true,
    verifyOutgoing: true,
    verifyServerHostname: true,
  });
  expect(resolveTls(fromPlain({}, { file: 'f', line: 1, column: 1 }) as LocatedMap, '/srv')).toBeNull();
});

test.each([
  [{ defaults: files }, true, []],
  [{ defaults: { ca_file: 'ca.pem', verify_outgoing: true } }, false, []],
  [{ defaults: { ca_file: 'ca.pem' } }, true, ['tls.defaults.ca_file']],
  [{ defaults: { cert_file: 'c' } }, false, ['tls.defaults.cert_file', 'tls.defaults.cert_file']],
  [{ internal_rpc: { verify_incoming: true } }, false, ['tls.internal_rpc.verify_incoming']],
  [{ internal_rpc: { verify_incoming: false } }, false, []],
])('%j on a server: %s', (tls, isServer, paths) => {
  const problems = new Problems();
  checkTls(tree(tls), isServer, true, problems);
  expect(problems.sorted([]).map(({ key }) => key)).toEqual(paths);
});
