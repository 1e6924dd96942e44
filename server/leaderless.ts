/** A server that has lost its leader for longer than an election takes is cut off, was removed, or sees no quorum. */
import type { Clock, Timer } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';

/** What is asked of the replica. */
export interface LeaderSource {
  readonly standing: { readonly leader: ServerId | null };
  onStanding(listener: (standing: { readonly leader: ServerId | null }) => void): () => void;
}

/** Calls `then` once, when no leader has been known here for `forMs` without a break; answers the function that ends the watch. */
export function whenLeaderless(
  source: LeaderSource,
  clock: Clock,
  forMs: number,
  then: () => void,
): () => void {
  let timer: Timer | null = null;
  const look = ({ leader }: { readonly leader: ServerId | null }) => {
    if (leader !== null) {
      timer?.cancel();
      timer = null;
    } else timer ??= clock.after(forMs, end);
  };
  const stopListening = source.onStanding(look);
  const stop = () => {
    stopListening();
    timer?.cancel();
  };
  const end = () => {
    stop();
    then();
  };
  look(source.standing);
  return stop;
}
