/** The rules of the house that a machine can check: which way imports point, and what a core never does. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /^(agent|server|checks|proto)\//.test(path));
const texts = new Map(sources.map((path) => [path, readFileSync(join(root, path), 'utf8')]));

interface Import {
  readonly from: string;
  /** Path from the root for our own files, else the package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const imports = [...texts].flatMap(([from, text]) => importsOf(from, text));

/** Where a file lives, and where it may reach. The first line that fits counts. */
const mayImport: ReadonlyArray<readonly [from: RegExp, to: RegExp]> = [
  [/^proto\//, /^proto\//],
  [/^checks\//, /^(checks|proto)\//],
  [/^agent\/gossip\//, /^(agent\/gossip|proto)\//],
  [/^server\/raft\//, /^(server\/raft|proto)\//],
  [/^server\//, /^(server|proto)\//],
  [/^agent\/cli\//, /./],
  [/^agent\//, /^(agent\/(?!cli\/)|checks\/|proto\/|server\/rpc\/client\.ts$)/],
];

/** One room per foreign package. */
const roomOf: Readonly<Record<string, RegExp>> = {
  msgpackr: /^proto\/codec\.ts$/,
  yaml: /^agent\/config\//,
  commander: /^agent\/cli\//,
  fastify: /^agent\/http\//,
  ws: /^agent\/http\//,
  'prom-client': /^agent\/http\//,
};

const cores = /^(agent\/gossip|server\/raft)\//;

test('imports point one way', () => {
  const wrong = imports.filter(({ from, to }) => {
    if (!texts.has(to)) return false;
    const rule = mayImport.find(([room]) => room.test(from));
    return rule !== undefined && !rule[1].test(to);
  });
  expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test('files import one another in no ring', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly && texts.has(to)) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const rings: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) rings.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of next.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) walk(path, []);
  expect(rings).toEqual([]);
});

test('each foreign package has one room', () => {
  const wrong = imports.filter(({ from, to }) => roomOf[to] !== undefined && !roomOf[to].test(from));
  expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test.each([
  ['no I/O', /^import (?!\{ isIP\w*(, isIP\w*)* \}).* from 'node:(?!crypto')/m],
  ['no clock', /\b(Date\.now|performance\.now|new Date\(\))/],
  ['no timer', /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\(/],
  ['no randomness', /\b(Math\.random|randomBytes|randomUUID|getRandomValues)\b/],
  ['no promise', /\b(async |await |Promise[.<])/],
])('a core has %s', (_, forbidden) => {
  const found = [...texts]
    // The thread's contract is what the shell offers to the rest of the agent.
    .filter(([path]) => cores.test(path) && path !== 'agent/gossip/membership.ts')
    .filter(([, text]) => forbidden.test(withoutComments(text)))
    .map(([path]) => path);
  expect(found).toEqual([]);
});

function importsOf(from: string, text: string): Import[] {
  const pattern = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm;
  return [...withoutComments(text).matchAll(pattern)].map((match) => {
    const target = match[2] ?? '';
    const to = target.startsWith('.') ? normalize(join(dirname(from), target)) : packageName(target);
    return { from, to, typeOnly: match[1] !== undefined };
  });
}

function packageName(target: string): string {
  const parts = target.split('/');
  return target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? target);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}
