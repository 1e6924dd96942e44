/** The merged configuration, value by value, each with the place that decided it. */
import { formatPath, formatPlace, type Located, type LocatedMap, type Path, type Scalar } from './located.ts';
import { checkDefaults, unsetKeys } from './unsaid.ts';

export interface Explained {
  /** `ports.http`, `checks[0].interval` */
  readonly key: string;
  readonly value: Scalar;
  /** `web.yaml:3:9`, `--http-port`, `default` … */
  readonly from: string;
}

/** Whoever may read the explanation need not be one who may read the secrets. */
const secretKeys = new Set(['encrypt', 'token', 'authorization', 'x-consul-token']);
const hidden = '(hidden)';

/** Written out into the definitions, and without an effect of their own. */
const writtenOut = new Set(['defaults', 'templates']);

/** Sorted by key, except that lists keep their order. What nobody said is there as well. */
export function explain(tree: LocatedMap): readonly Explained[] {
  const said = rows(tree, [], false).filter(({ key }) => !writtenOut.has(topOf(key)));
  const unsaid = unsetKeys(tree).map(({ path, value, from }) => ({ key: formatPath(path), value, from }));
  return [...said, ...unsaid].sort((a, b) => {
    const inList = a.key.includes('[') || b.key.includes('[');
    return inList && topOf(a.key) === topOf(b.key) ? 0 : a.key < b.key ? -1 : 1;
  });
}

function topOf(key: string): string {
  return key.split(/[.[]/, 1)[0]!;
}

function rows(located: Located, path: Path, secret: boolean): Explained[] {
  switch (located.kind) {
    case 'scalar': {
      const hide = located.secrets !== undefined || (secret && located.value !== null);
      const value = hide ? hidden : located.value;
      return [{ key: formatPath(path), value, from: formatPlace(located.at) }];
    }
    case 'list':
      return located.items.flatMap((item, index) => rows(item, [...path, index], secret));
    case 'map': {
      const said = [...located.entries].map(([key, { value }]) => ({
        key,
        rows: rows(value, [...path, key], secret || secretKeys.has(key.toLowerCase())),
      }));
      const unsaid = (isCheck(path) ? checkDefaults(located) : []).map(([key, value]) => ({
        key,
        rows: [{ key: formatPath([...path, key]), value, from: 'default' }],
      }));
      return [...said, ...unsaid].sort((a, b) => (a.key < b.key ? -1 : 1)).flatMap((each) => each.rows);
    }
  }
}

/** `checks[0]`, `services[0].check`, `services[0].checks[1]` */
function isCheck(path: Path): boolean {
  const names = path.filter((step) => typeof step === 'string').map((step) => step.toLowerCase());
  const last = path.at(-1);
  if (names.length === 1) return names[0] === 'checks' && typeof last === 'number';
  if (names.length !== 2 || names[0] !== 'services') return false;
  return typeof last === 'number' ? names[1] === 'checks' : names[1] === 'check';
}
