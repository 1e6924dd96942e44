/** "Did you mean …?" for a misspelt word. */
import { distance } from 'fastest-levenshtein';

/** Longer words are not compared, so that an odd input costs nothing. */
const wordLengthMax = 64;

/** The known word that is nearest, when at most a third of the letters are wrong; else undefined. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > wordLengthMax) return undefined;
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Math.floor(wanted.length / 3) + 1;
  for (const candidate of known) {
    const edits = isSwap(wanted, plain(candidate)) ? 1 : distance(wanted, plain(candidate));
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}

/** Two neighbouring letters changed places (`prots`): one slip of the fingers, though two edits. */
function isSwap(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  const first = [...one].findIndex((letter, index) => letter !== other[index]);
  if (first === -1) return false;
  const swapped = one.slice(0, first) + (one[first + 1] ?? '') + one[first] + one.slice(first + 2);
  return swapped === other;
}

/** Spelling with or without `_` and capitals is never the mistake. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll('_', '');
}
