/** The merged configuration, value by value, each with the place that decided it. */
import { formatPath, formatPlace, type Located, type LocatedMap, type Path, type Scalar } from './located.ts';

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

/** Sorted by key, except that lists keep their order. */
export function explain(tree: LocatedMap): readonly Explained[] {
  return rows(tree, [], false).filter(({ key }) => !writtenOut.has(key.split('.', 1)[0]!));
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
      const keys = [...located.entries.keys()].sort();
      return keys.flatMap((key) =>
        rows(located.entries.get(key)!.value, [...path, key], secret || secretKeys.has(key.toLowerCase())),
      );
    }
  }
}
