/** How far this host's wall clock is off that of the leader, as one exchange of messages can tell (Cristian 1989). */
import type { LeaderClock } from '../checks/kinds/clock.ts';
import { isExpected } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { Rpc } from '../proto/rpc.ts';

export function leaderClock(rpc: Rpc, clock: Clock): LeaderClock {
  return {
    offsetMs: async (timeoutMs) => {
      const sentMs = clock.nowMs();
      try {
        const { wallMs } = await rpc.call('leader.time', {}, { timeoutMs });
        // The leader looked at its clock about half way through.
        return clock.wallMs() - (clock.nowMs() - sentMs) / 2 - wallMs;
      } catch (error) {
        if (!isExpected(error)) throw error;
        return null;
      }
    },
  };
}
