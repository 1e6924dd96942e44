/** The event log of a story, in pages of two, which counts what is read of it. */
import { ExpectedError } from '../../proto/errors.ts';
import { StoredEvent } from '../../server/recent-events.ts';
import type { Story } from './story.ts';

export function logOf(story: Story, firstKept = 1) {
  return {
    logId: 'log-1',
    first: firstKept,
    pagesRead: 0,
    get last(): number {
      return story.events.length;
    },
    async read(after: number, { limit }: { readonly limit: number }) {
      this.pagesRead += 1;
      if (after + 1 < this.first) throw new ExpectedError('OFFSET_TRIMMED');
      return story.events.slice(after, after + Math.min(2, limit)).map(StoredEvent.from);
    },
  };
}
