/**
 * The `tls` block, spelt as in Consul: what `internal_rpc` does not say, `defaults` says. Here are paths and rules only;
 * the files are read by the command line, each time the configuration is.
 */
import { resolve as resolvePath } from 'node:path';
import type { TlsConfig } from './agent-config.ts';
import { type LocatedMap, type Path, placeOfValue, toPlain, valueAt } from './located.ts';
import type { Problems } from './problems.ts';

type Key =
  | 'ca_file'
  | 'cert_file'
  | 'key_file'
  | 'verify_incoming'
  | 'verify_outgoing'
  | 'verify_server_hostname';

/** Null without a `tls` block that says anything. */
export function resolveTls(tree: LocatedMap, folder: string): TlsConfig | null {
  const path = (key: Key) => {
    const file = value(tree, key);
    return typeof file === 'string' ? resolvePath(folder, file) : '';
  };
  const verifyServerHostname = value(tree, 'verify_server_hostname') === true;
  const config: TlsConfig = {
    caFile: path('ca_file'),
    certFile: path('cert_file'),
    keyFile: path('key_file'),
    verifyIncoming: value(tree, 'verify_incoming') === true,
    // Whoever looks at the name must look at the certificate first.
    verifyOutgoing: verifyServerHostname || value(tree, 'verify_outgoing') === true,
    verifyServerHostname,
  };
  return config.caFile === '' && config.certFile === '' ? null : config;
}

/** Half of a set of files protects nothing: it is an error, not a guess. */
export function checkTls(tree: LocatedMap, isServer: boolean, complete: boolean, problems: Problems): void {
  const has = (key: Key) => value(tree, key) !== undefined;
  const needs = (key: Key, other: Key, message: string) => {
    if (has(key) && value(tree, key) !== false && !has(other))
      problems.error(placeOf(tree, key), pathOf(tree, key), message);
  };
  needs('cert_file', 'key_file', 'needs key_file beside it');
  needs('key_file', 'cert_file', 'needs cert_file beside it');
  needs('cert_file', 'ca_file', 'needs ca_file beside it');
  for (const key of ['verify_incoming', 'verify_outgoing', 'verify_server_hostname'] as const) {
    needs(key, 'ca_file', 'needs ca_file: there is nothing to verify against');
  }
  if (complete && isServer && has('ca_file') && !has('cert_file')) {
    const message = 'a server shows a certificate to its callers: set cert_file and key_file too';
    problems.error(placeOf(tree, 'ca_file'), pathOf(tree, 'ca_file'), message);
  }
}

function value(tree: LocatedMap, key: Key): unknown {
  const found = valueAt(tree, pathOf(tree, key));
  return found === undefined ? undefined : toPlain(found);
}

function pathOf(tree: LocatedMap, key: Key): Path {
  const own = ['tls', 'internal_rpc', key];
  return valueAt(tree, own) === undefined ? ['tls', 'defaults', key] : own;
}

function placeOf(tree: LocatedMap, key: Key) {
  return placeOfValue(tree, pathOf(tree, key));
}
