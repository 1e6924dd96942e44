/**
 * An agent whose gossip lives while the rest of it stands still looks healthy to everybody. The main thread therefore
 * counts up a number that the gossip thread reads; when it stops, the gossip thread says so in its place.
 */
import type { Gossip } from './gossip/gossip.ts';
import type { FromThread, Link, ToThread } from './gossip-link.ts';

/** The main thread counts this often, the gossip thread looks this often. */
export const beatIntervalMs = 1_000;
/** Looks in a row without a beat before it is said; after a stop of the whole process there is only one. */
const missedBeatsMax = 5;

/** User events by which the others hear of it; the payload is JSON: `{"Node": name, "Ms": how long}`. */
export const stalledEvent = 'rollcall:agent-stalled';
export const resumedEvent = 'rollcall:agent-resumed';

/** Counts for as long as the main thread runs; the returned function ends it. */
export function beat(beats: Int32Array): () => void {
  const timer = setInterval(() => Atomics.add(beats, 0, 1), beatIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Looks after the main thread from the gossip thread; the returned function ends it. */
export function watchMainThread(options: {
  beats: Int32Array;
  gossip: Pick<Gossip, 'fireEvent'>;
  link: Pick<Link<FromThread, ToThread>, 'post'>;
  name: string;
}): () => void {
  const { beats, gossip, link, name } = options;
  let last = Atomics.load(beats, 0);
  let missed = 0;
  const tell = (event: string) => {
    const payload = Buffer.from(JSON.stringify({ Node: name, Ms: missed * beatIntervalMs }), 'utf8');
    gossip.fireEvent(event, payload, false);
  };
  const timer = setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now === last) {
      missed += 1;
      if (missed === missedBeatsMax) tell(stalledEvent);
    } else {
      if (missed >= missedBeatsMax) {
        tell(resumedEvent);
        link.post({ notice: { kind: 'main-stall', stallMs: missed * beatIntervalMs } });
      }
      missed = 0;
    }
    last = now;
  }, beatIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
