/** What happens to the hosts of the agents: their process, their power, and the disk on which their journal lies. */
import type { FaultTools } from './faults.ts';

export function strikeAgents({ cluster, random, later }: FaultTools): string | null {
  const victim = random.pick(cluster.agents);
  const { host } = victim;
  if (!host.up) return null;
  const end = (how: 'kill' | 'all' | 'some' | 'torn') => {
    if (how === 'kill') host.kill();
    else host.crash(how);
    later(100, 8_000, () => {
      if (!host.up) victim.start();
    });
    return `${victim.name} ${how === 'kill' ? 'killed' : `lost power (${how})`}`;
  };
  const how = random.pick(['kill', 'all', 'some', 'torn', 'pause', 'slow', 'hang', 'hang'] as const);
  switch (how) {
    case 'pause':
      host.pause();
      later(50, 8_000, () => host.resume());
      return `${victim.name} stands still`;
    case 'slow':
      host.disk.slowMs = random.pick([50, 500]);
      later(1_000, 10_000, () => {
        host.disk.slowMs = 0;
      });
      return `${victim.name} has a slow disk (${host.disk.slowMs} ms)`;
    case 'hang': {
      // And often the power goes before it comes back.
      const life = host.lives;
      const ends = random.chance(0.6);
      host.disk.hang();
      later(200, 4_000, () => {
        if (ends && host.up && host.lives === life) cluster.tell(end('all'));
        host.disk.release();
      });
      return `${victim.name}'s disk hangs`;
    }
    default:
      return end(how);
  }
}
