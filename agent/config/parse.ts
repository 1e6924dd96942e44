/**
 * One file's text → a located tree. YAML and JSON go through the same parser, which knows where everything
 * stands; a `.json` file must also be JSON, so that Consul and other tools can read it too.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { findJsonFault } from './json-fault.ts';
import {
  type Located,
  type LocatedMap,
  list,
  map,
  type Path,
  type Place,
  type Scalar,
  scalar,
} from './located.ts';
import { hclAdvice, type Problems } from './problems.ts';

/** A tree this deep, or this large once aliases are written out, is no configuration but an attack or a mistake. */
const depthMax = 64;
const nodesMax = 200_000;

/** Undefined when the file cannot be used at all; what could be read despite errors is returned. */
export function parseConfigText(file: string, text: string, problems: Problems): LocatedMap | undefined {
  const top: Place = { file, line: 1, column: 1 };
  if (looksLikeHcl(text)) {
    problems.error(top, [], hclAdvice);
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Reported by our own walk, which can say where the first one stands.
    uniqueKeys: false,
    logLevel: 'error',
  });
  const placeAt = (position: number): Place => {
    const { line, col } = lines.linePos(position);
    return { file, line, column: col };
  };
  for (const error of document.errors) {
    problems.error(placeAt(error.pos[0]), [], syntaxMessage(error.code, error.message));
  }
  for (const warning of document.warnings) {
    problems.error(placeAt(warning.pos[0]), [], `not valid YAML: ${warning.message}`);
  }
  if (document.errors.length > 0) return undefined;
  if (file.endsWith('.json') && !checkJson(text, placeAt, problems)) return undefined;
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return map([], top);
  }
  if (!isMap(document.contents)) {
    problems.error(
      top,
      [],
      'the file must hold keys and values (`node_name: web-1`), and this one holds none',
    );
    return undefined;
  }
  return new Walk(document, placeAt, problems).map(
    document.contents,
    placeAt(document.contents.range?.[0] ?? 0),
    [],
    0,
  );
}

/** The first line that says something is `key = value`, `block {` or `block "label" {`. */
function looksLikeHcl(text: string): boolean {
  const first = text.split(/\r?\n/).find((line) => !/^\s*((#|\/\/).*)?$/.test(line));
  return first !== undefined && /^\s*"?[A-Za-z_][\w-]*"?\s*(=\s*\S|("[^"]*"\s*)?\{)/.test(first);
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML is indented by spaces';
  if (code === 'MULTIPLE_DOCS') return 'a second document starts here (`---`); one file holds one document';
  return `not valid YAML: ${message}`;
}

function checkJson(text: string, placeAt: (position: number) => Place, problems: Problems): boolean {
  if (text.trim() === '') return true;
  const fault = findJsonFault(text);
  if (fault === null) return true;
  problems.error(placeAt(fault.position), [], `not valid JSON: ${fault.wanted} must stand here`);
  return false;
}

/** Turns the parser's nodes into ours; aliases are written out, duplicate keys reported. */
class Walk {
  readonly #document: Document;
  readonly #placeAt: (position: number) => Place;
  readonly #problems: Problems;
  readonly #targets = new Map<Alias, Node>();
  #nodes = 0;
  #tooLarge = false;

  constructor(document: Document, placeAt: (position: number) => Place, problems: Problems) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#problems = problems;
  }

  located(node: unknown, path: Path, depth: number): Located {
    const at = this.#placeAt((node as Node | null)?.range?.[0] ?? 0);
    this.#nodes++;
    if (depth > depthMax || this.#nodes > nodesMax) {
      if (!this.#tooLarge)
        this.#problems.error(at, path, 'too deep or too large once aliases are written out');
      this.#tooLarge = true;
      return scalar(null, at);
    }
    if (isAlias(node)) {
      const target = this.#resolve(node);
      if (target === undefined) {
        this.#problems.error(at, path, `the anchor &${node.source} is not set above`);
        return scalar(null, at);
      }
      return this.located(target, path, depth + 1);
    }
    if (isSeq(node)) {
      return list(
        node.items.map((item, index) => this.located(item, [...path, index], depth + 1)),
        at,
      );
    }
    if (isMap(node)) return this.map(node, at, path, depth);
    return scalar(this.#scalarValue(node, at, path), at);
  }

  /** The parser looks through the whole document for each alias; an alias inside of an alias comes up often. */
  #resolve(alias: Alias): Node | undefined {
    let target = this.#targets.get(alias);
    if (target === undefined) {
      target = alias.resolve(this.#document);
      if (target !== undefined) this.#targets.set(alias, target);
    }
    return target;
  }

  map(node: YAMLMap, at: Place, path: Path, depth: number): LocatedMap {
    const own = new Map<string, { keyAt: Place; value: Located }>();
    const merged = new Map<string, { keyAt: Place; value: Located }>();
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
      const keyAt = this.#placeAt((pair.key as Node | null)?.range?.[0] ?? 0);
      if (key === undefined) {
        this.#problems.error(keyAt, path, 'a key must be a plain word');
        continue;
      }
      const value = this.located(pair.value, [...path, key], depth + 1);
      if (key === '<<') {
        for (const source of value.kind === 'list' ? value.items : [value]) {
          if (source.kind !== 'map') this.#problems.error(keyAt, path, '`<<` takes a map or a list of maps');
          else for (const [name, entry] of source.entries) if (!merged.has(name)) merged.set(name, entry);
        }
        continue;
      }
      const first = own.get(key);
      if (first) {
        const where = first.keyAt.line === keyAt.line ? 'in this line' : `in line ${first.keyAt.line}`;
        this.#problems.error(keyAt, [...path, key], `duplicate key, set before ${where}`);
        continue;
      }
      own.set(key, { keyAt, value });
    }
    return map(new Map([...merged, ...own]), at);
  }

  #scalarValue(node: unknown, at: Place, path: Path): Scalar {
    const value: unknown = isScalar(node) ? node.value : null;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#problems.error(at, path, 'must be a finite number');
      return null;
    }
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as Scalar;
    this.#problems.error(at, path, 'neither text nor number nor true/false');
    return null;
  }
}
