/**
 * From paths and flags to one checked configuration. The layers, lowest first: defaults, the host, `--dev`, the
 * files in the order in which they were named, the command line. Every problem of every layer is found in one pass.
 */
import type { AgentConfig } from './agent-config.ts';
import { consulKeysOf } from './consul-keys.ts';
import { defaultLayer, devLayer } from './defaults.ts';
import { type Definitions, readDefinitions } from './definitions.ts';
import { expandDefinitions } from './expand.ts';
import { readConfigFiles } from './files.ts';
import { type AgentFlags, flagLayer } from './flags.ts';
import { type HostFacts, thisHost } from './host-facts.ts';
import type { LocatedMap } from './located.ts';
import { mergeLayers } from './merge.ts';
import { normalized } from './normalize.ts';
import { parseConfigText } from './parse.ts';
import { type Problem, Problems } from './problems.ts';
import { fillReferences } from './references.ts';
import { resolveConfig } from './resolve.ts';
import { applyRules, hostLayer } from './rules.ts';
import { keysAt } from './schema.ts';
import { validateSettings } from './validate.ts';

export interface LoadRequest {
  /** Files and folders, in the order in which they count. */
  readonly paths: readonly string[];
  readonly flags: AgentFlags;
  /** True to look at files that are only a part of a configuration; then there is no `config` in the end. */
  readonly partial?: boolean;
}

export interface LoadResult {
  /** Null when there is an error among the problems, or when only a part was looked at. */
  readonly config: AgentConfig | null;
  /** Those that are right, also when something else is wrong. */
  readonly definitions: Definitions;
  /** In the order of reading. */
  readonly problems: readonly Problem[];
  /** All layers as one tree that knows where each value came from. */
  readonly tree: LocatedMap;
  /** Files that were read. */
  readonly files: readonly string[];
}

export async function loadConfig(request: LoadRequest, host: HostFacts = thisHost()): Promise<LoadResult> {
  const problems = new Problems();
  const dev = request.flags.dev === true;

  const files = await readConfigFiles(request.paths, problems);
  const readable = !problems.failed;
  const parsed = files.flatMap((file) => parseConfigText(file.path, file.text, problems) ?? []);
  // What a file that cannot be read says is unknown, so nothing can be missed in the others.
  const complete = request.partial !== true && readable && parsed.length === files.length;
  const references = { env: host.env, complete };
  const filled = await Promise.all(
    parsed.map((file) =>
      fillReferences(normalized(file, topKeys, problems), isSetting, references, problems),
    ),
  );
  const given = [...filled, flagLayer(request.flags)];
  const right = given.map((layer) => validateSettings(layer, problems));
  const base = [defaultLayer(), hostLayer(host), ...(dev ? [devLayer()] : [])];
  const merged = mergeLayers([...base, ...right]);

  const written = await fillReferences(
    expandDefinitions(merged, problems),
    (key) => !isSetting(key) && key !== 'templates',
    references,
    problems,
  );
  // Clients may name templates, which are filled in then.
  const isTemplates = (key: string) => key === 'templates';
  const expanded = await fillReferences(written, isTemplates, { ...references, again: true }, problems);
  const definitions = readDefinitions(expanded, { complete }, problems);
  const tree = applyRules(expanded, { host, dev, complete }, problems);

  const options = { dev, folder: host.folder, configPaths: request.paths };
  return {
    config: problems.failed || !complete ? null : resolveConfig(tree, definitions, options),
    definitions,
    problems: problems.sorted(files.map((file) => file.path)),
    tree,
    files: files.map((file) => file.path),
  };
}

const topKeys = new Set([...(keysAt([]) ?? []), ...consulKeysOf('')]);

/** Definitions are filled in when they are written out, so that a secret with a `${` in it is not looked at again. */
const definitionKeys = new Set(['checks', 'services', 'templates', 'defaults']);

function isSetting(key: string): boolean {
  return !definitionKeys.has(key);
}
