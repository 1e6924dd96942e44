import { expect, test } from 'vitest';
import { defaultLayer, devLayer } from '../../../agent/config/defaults.ts';
import type { HostFacts } from '../../../agent/config/host-facts.ts';
import { fromPlain, type LocatedMap, placeOfValue, toPlain } from '../../../agent/config/located.ts';
import { mergeLayers } from '../../../agent/config/merge.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';
import { applyRules, hostLayer } from '../../../agent/config/rules.ts';

const host: HostFacts = {
  hostname: 'box.example.org',
  folder: '/',
  addresses: [{ interface: 'eth0', address: '10.0.0.5', family: 4, loopback: false }],
  env: {},
};

function apply(value: object, more: { dev?: boolean; complete?: boolean; host?: HostFacts } = {}) {
  const { dev = false, complete = true } = more;
  const problems = new Problems();
  const file = fromPlain(value, { file: 'f', line: 0, column: 0 }) as LocatedMap;
  const layers = [defaultLayer(), hostLayer(host), ...(dev ? [devLayer()] : []), file];
  const tree = applyRules(mergeLayers(layers), { host: more.host ?? host, dev, complete }, problems);
  return {
    tree,
    plain: toPlain(tree) as Record<string, unknown>,
    problems: problems.sorted([]).map(formatProblem),
  };
}

test('the name is that of the host, with what no name may have taken out', () => {
  expect(apply({ data_dir: 'x' }).plain.node_name).toBe('box.example.org');
  expect(toPlain(hostLayer({ ...host, hostname: 'Jörg’s box' }))).toEqual({ node_name: 'J-rg-s-box' });
  expect(toPlain(hostLayer({ ...host, hostname: '' }))).toEqual({});
});

test('the address that the others are told follows from the bound one, and says so', () => {
  const { tree, plain } = apply({ data_dir: 'x' });
  expect(plain.advertise_addr).toBe('10.0.0.5');
  expect(placeOfValue(tree, ['advertise_addr']).file).toBe('follows from bind_addr');
  expect(apply({ data_dir: 'x', advertise_addr: '192.0.2.1' }).plain.advertise_addr).toBe('192.0.2.1');
  expect(apply({ data_dir: 'x' }, { host: { ...host, addresses: [] } }).problems).toEqual([
    expect.stringMatching(/^default: error: bind_addr: this host has no private IPv4 address/),
  ]);
});

test('nothing follows from a bound address that is none: its own complaint is the only one', () => {
  expect(apply({ data_dir: 'x', bind_addr: '[::1]' }).problems).toEqual([]);
});

test('bootstrap is the older word for an expectation of one', () => {
  const { plain, problems } = apply({ data_dir: 'x', server: true, bootstrap: true });
  expect(problems).toEqual([]);
  expect(plain.bootstrap_expect).toBe(1);
  expect(
    apply({ data_dir: 'x', server: true, bootstrap: true, bootstrap_expect: 3, retry_join: ['a'] }).problems,
  ).toEqual(['f: error: bootstrap: stands beside bootstrap_expect: keep that one']);
});

test('a server that begins nothing and knows nobody is told so; an even number too', () => {
  expect(apply({ data_dir: 'x', server: true }).problems).toEqual([
    expect.stringContaining('this server knows nobody to join'),
  ]);
  expect(apply({ data_dir: 'x', server: true, bootstrap_expect: 4, retry_join: ['a'] }).problems).toEqual([
    'f: warning: bootstrap_expect: 4 servers bear the loss of no more of them than 3 do: 3 or 5 are usual',
  ]);
});

test('only a server begins a cluster', () => {
  expect(apply({ data_dir: 'x', bootstrap_expect: 3 }).problems).toEqual([
    'f: error: bootstrap_expect: only a server begins a cluster: set server: true (--server)',
  ]);
  expect(apply({ bootstrap_expect: 3 }, { complete: false }).problems).toEqual([]);
});

test('a data folder is needed, and useless with --dev', () => {
  expect(apply({}).problems).toEqual([expect.stringMatching(/^configuration: error: data_dir: is missing/)]);
  expect(apply({}, { complete: false }).problems).toEqual([]);
  expect(apply({ data_dir: 'x' }, { dev: true }).problems).toEqual([
    'f: warning: data_dir: has no effect with --dev, which keeps nothing on disk',
  ]);
});

test('two listeners cannot share a port of one address', () => {
  const twice = { data_dir: 'x', ports: { http: 8301 } };
  expect(apply({ ...twice, client_addr: '0.0.0.0' }).problems).toEqual([
    'f: error: ports.http: 8301 is the port of ports.serf_lan too',
  ]);
  expect(apply({ ...twice, bind_addr: '10.0.0.5', client_addr: '127.0.0.1' }).problems).toEqual([]);
  // A plain agent opens no RPC port; ports that the system chooses never clash.
  expect(apply({ data_dir: 'x', ports: { serf_lan: 8300 } }).problems).toEqual([]);
  expect(apply({ data_dir: 'x', ports: { serf_lan: 0, http: 0 }, bind_addr: '127.0.0.1' }).problems).toEqual(
    [],
  );
});

test('scripts over the API are a warning that names who may run them', () => {
  const scripts = { data_dir: 'x', enable_script_checks: true };
  expect(apply(scripts).problems).toEqual([
    expect.stringContaining('every process of this host may run commands'),
  ]);
  expect(apply({ ...scripts, client_addr: '127.0.0.1 10.0.0.5' }).problems).toEqual([
    expect.stringContaining('whoever reaches 10.0.0.5 may run commands'),
  ]);
});
