/**
 * What holds where nobody said anything, for whoever wants to know the whole configuration: the defaults of a check, and
 * the keys that are not set.
 */
import { formatDuration } from '../../proto/duration.ts';
import { parseCheckDefinition } from '../../proto/schema/definitions.ts';
import type { GossipProfileName } from '../gossip/config.ts';
import { timingOfProfile } from './gossip-timing.ts';
import { type LocatedMap, type Path, type Scalar, toPlain, valueAt } from './located.ts';
import { keysAt } from './schema.ts';

export interface Unsaid {
  readonly path: Path;
  readonly value: Scalar;
  readonly from: string;
}

/** Definitions are lists of what is there, and what they are made from has no effect of its own. */
const listed = new Set(['check', 'checks', 'service', 'services', 'defaults', 'templates']);

/** Keys of the agent that stand nowhere. */
export function unsetKeys(tree: LocatedMap): readonly Unsaid[] {
  const chosen = valueAt(tree, ['gossip_profile']);
  const profile = chosen === undefined ? 'lan' : (toPlain(chosen) as GossipProfileName);
  const visit = (path: Path): Unsaid[] =>
    (keysAt(path) ?? []).flatMap((key) => {
      const inner = [...path, key];
      if (path.length === 0 && listed.has(key)) return [];
      if (keysAt(inner) !== undefined) return visit(inner);
      if (valueAt(tree, inner) !== undefined) return [];
      const ofProfile = path[0] === 'gossip_lan' ? timingOfProfile(profile, key) : undefined;
      if (ofProfile === undefined) return [{ path: inner, value: null, from: 'not set' }];
      return [{ path: inner, value: ofProfile, from: `gossip_profile ${profile}` }];
    });
  return visit([]);
}

/** What the check does where its definition is silent; nothing for one that is wrong. */
export function checkDefaults(check: LocatedMap): ReadonlyArray<readonly [key: string, value: Scalar]> {
  const parsed = parseCheckDefinition({ name: 'unnamed', ...(toPlain(check) as object) });
  if (!parsed.ok) return [];
  const { definition } = parsed;
  const given = new Set([...check.entries.keys()].map(plain));
  const runs = definition.intervalMs > 0 || definition.cron !== null;
  const defaults: ReadonlyArray<readonly [string, Scalar]> = [
    ['failures_before_critical', definition.failuresBeforeCritical],
    ['failures_before_warning', definition.failuresBeforeWarning],
    ['stale_after', runs ? definition.staleAfterIntervals : null],
    ['status', definition.initialStatus ?? 'pending'],
    ['success_before_passing', definition.successBeforePassing],
    ['timeout', runs ? formatDuration(definition.timeoutMs) : null],
  ];
  return defaults.filter(([key, value]) => value !== null && !given.has(plain(key)));
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll('_', '');
}
