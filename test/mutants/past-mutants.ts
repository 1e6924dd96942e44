/** Bugs that there were until the simulator found them. */
import type { Mutant } from './mutant.ts';

export const pastMutants: readonly Mutant[] = [
  {
    name: 'a-trim-is-damage',
    bug: 'an old file that is trimmed while it is read counts as a fault of the disk',
    file: 'proto/store/segment-reader.ts',
    from: "if ((error as { code?: unknown }).code !== 'ENOENT') return cannotRead(path, error);",
    to: "if ((error as { code?: unknown }).code !== 'no such code') return cannotRead(path, error);",
  },
  {
    name: 'a-gap-in-silence',
    bug: 'a listener that is passed on to another server is not told what that one has trimmed',
    file: 'server/event-backfill.ts',
    from: "        if ('Gap' in record) break;\n",
    to: '',
  },
  {
    name: 'the-hint-goes-last',
    bug: 'a crash while a log is destroyed leaves its hint, which misses the files',
    file: 'proto/store/segments.ts',
    from: 'for (const path of [hint, ...segments]) {',
    to: 'for (const path of [...segments, hint]) {',
  },
];
