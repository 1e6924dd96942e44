/** Names in a sentence: the first few, and how many more there are. */

const shownMax = 5;

/** `a, b, c, d, e and 7 more` */
export function someNames(all: readonly string[]): string {
  const shown = all.slice(0, shownMax).join(', ');
  return all.length > shownMax ? `${shown} and ${all.length - shownMax} more` : shown;
}
