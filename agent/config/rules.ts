/**
 * What the schema of single keys cannot say: rules between keys and with the host, and the keys that follow from
 * others. Works on the merged tree, so each complaint names the file that decided.
 */
import { isIP, isIPv6 } from 'node:net';
import { isLoopback, isUnspecified } from '../../proto/address.ts';
import { chooseAdvertise } from './advertise.ts';
import { defaultPlace } from './defaults.ts';
import { checkGossipTiming } from './gossip-timing.ts';
import type { HostFacts } from './host-facts.ts';
import {
  fromPlain,
  type LocatedMap,
  map,
  type Path,
  placeOfValue,
  type Scalar,
  scalar,
  valueAt,
} from './located.ts';
import type { Problems } from './problems.ts';
import { checkTls } from './tls.ts';

export interface RuleContext {
  readonly host: HostFacts;
  readonly dev: boolean;
  /** False when only some files are looked at (`validate`): what is missing may stand elsewhere. */
  readonly complete: boolean;
}

/** What the host itself says: the lowest layer above the defaults. */
export function hostLayer(host: HostFacts): LocatedMap {
  const name = host.hostname.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 128);
  if (name === '') return map([], defaultPlace);
  const at = { file: 'host name', line: 0, column: 0 };
  return fromPlain({ node_name: name }, at) as LocatedMap;
}

/** Reports broken rules and answers the tree with what follows from it. */
export function applyRules(merged: LocatedMap, context: RuleContext, problems: Problems): LocatedMap {
  const tree = deriveExpect(merged, problems);
  checkServer(tree, context, problems);
  checkDataDir(tree, context, problems);
  checkPorts(tree, problems);
  checkGossipTiming(tree, problems);
  checkScripts(tree, problems);
  checkTls(tree, read(tree, ['server']) === true, context.complete, problems);
  return deriveAdvertise(tree, context, problems);
}

/** `bootstrap: true` is Consul's older word for an expectation of one. */
function deriveExpect(tree: LocatedMap, problems: Problems): LocatedMap {
  const bootstrap = valueAt(tree, ['bootstrap']);
  if (read(tree, ['bootstrap']) !== true || !bootstrap) return tree;
  const expect = valueAt(tree, ['bootstrap_expect'])!;
  if (expect.at.file === bootstrap.at.file && read(tree, ['bootstrap_expect']) !== 1) {
    problems.error(bootstrap.at, ['bootstrap'], 'stands beside bootstrap_expect: keep that one');
  }
  return withKey(tree, 'bootstrap_expect', scalar(1, bootstrap.at));
}

function checkServer(tree: LocatedMap, context: RuleContext, problems: Problems): void {
  const expect = Number(read(tree, ['bootstrap_expect']));
  const expectAt = placeOfValue(tree, ['bootstrap_expect']);
  const server = read(tree, ['server']) === true;
  if (!server && expect > 0 && context.complete) {
    problems.error(
      expectAt,
      ['bootstrap_expect'],
      'only a server begins a cluster: set server: true (--server)',
    );
  }
  if (server && expect > 1 && expect % 2 === 0) {
    const message = `${expect} servers bear the loss of no more of them than ${expect - 1} do: 3 or 5 are usual`;
    problems.warning(expectAt, ['bootstrap_expect'], message);
  }
  const joins = [...items(tree, 'retry_join'), ...items(tree, 'start_join')];
  if (server && expect !== 1 && joins.length === 0 && context.complete) {
    const message =
      'this server knows nobody to join: set retry_join (--join), or bootstrap_expect: 1 to be alone';
    problems.warning(placeOfValue(tree, ['server']), ['server'], message);
  }
}

function checkDataDir(tree: LocatedMap, context: RuleContext, problems: Problems): void {
  const folder = valueAt(tree, ['data_dir']);
  if (context.dev && folder) {
    problems.warning(folder.at, ['data_dir'], 'has no effect with --dev, which keeps nothing on disk');
  } else if (!context.dev && !folder && context.complete) {
    const message = 'is missing: name a folder for what must survive a restart (--data-dir), or try --dev';
    problems.error({ file: 'configuration', line: 0, column: 0 }, ['data_dir'], message);
  }
}

/** Two TCP listeners of one agent cannot share a port of one address. */
function checkPorts(tree: LocatedMap, problems: Problems): void {
  const bind = [String(read(tree, ['bind_addr']))];
  const client = String(read(tree, ['addresses', 'http']) ?? read(tree, ['client_addr'])).split(/\s+/);
  const listeners = [
    { key: 'serf_lan', hosts: bind, open: true },
    { key: 'server', hosts: bind, open: read(tree, ['server']) === true },
    { key: 'http', hosts: client, open: true },
    { key: 'dns', hosts: client, open: true },
  ].map((listener) => ({ ...listener, port: Number(read(tree, ['ports', listener.key])) }));
  for (const [index, later] of listeners.entries()) {
    const clash = listeners
      .slice(0, index)
      .find(
        (earlier) =>
          earlier.port > 0 &&
          earlier.port === later.port &&
          earlier.open &&
          later.open &&
          overlap(earlier.hosts, later.hosts),
      );
    if (!clash) continue;
    const path = ['ports', later.key];
    problems.error(placeOfValue(tree, path), path, `${later.port} is the port of ports.${clash.key} too`);
  }
}

function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) =>
    others.some((other) => one === other || coversAll(one, other) || coversAll(other, one)),
  );
}

/** `::` takes the port on IPv4 as well; `0.0.0.0` only there. */
function coversAll(wide: string, host: string): boolean {
  return isUnspecified(wide) && (isIPv6(wide) || !isIPv6(host));
}

function checkScripts(tree: LocatedMap, problems: Problems): void {
  if (read(tree, ['enable_script_checks']) !== true) return;
  const clients = String(read(tree, ['addresses', 'http']) ?? read(tree, ['client_addr'])).split(/\s+/);
  const open = clients.find((host) => !isLoopback(host));
  const message =
    open === undefined
      ? 'every process of this host may run commands through the HTTP API; enable_local_script_checks allows files only'
      : `whoever reaches ${open} may run commands on this host; enable_local_script_checks allows files only`;
  problems.warning(placeOfValue(tree, ['enable_script_checks']), ['enable_script_checks'], message);
}

function deriveAdvertise(tree: LocatedMap, context: RuleContext, problems: Problems): LocatedMap {
  if (valueAt(tree, ['advertise_addr'])) return tree;
  const bindAt = placeOfValue(tree, ['bind_addr']);
  const bind = String(read(tree, ['bind_addr']));
  // What is no address has been refused already, and nothing follows from it.
  if (isIP(bind) === 0) return tree;
  const chosen = chooseAdvertise(bind, context.host.addresses);
  if (chosen.ok) {
    const at = { file: 'follows from bind_addr', line: 0, column: 0 };
    return withKey(tree, 'advertise_addr', scalar(chosen.host, at));
  }
  if (context.complete) problems.error(bindAt, ['bind_addr'], chosen.message);
  return tree;
}

function withKey(tree: LocatedMap, key: string, value: ReturnType<typeof scalar>): LocatedMap {
  return map(new Map([...tree.entries, [key, { keyAt: value.at, value }]]), tree.at);
}

function items(tree: LocatedMap, key: string): readonly unknown[] {
  const found = valueAt(tree, [key]);
  return found?.kind === 'list' ? found.items : [];
}

function read(tree: LocatedMap, path: Path): Scalar | undefined {
  const found = valueAt(tree, path);
  return found?.kind === 'scalar' ? found.value : undefined;
}
