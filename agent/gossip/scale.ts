/**
 * How timing and effort grow with the cluster. Pure functions of numbers, with memberlist's formulas, so that
 * our agents and stock ones wait and repeat alike. `members` is always the length of the whole member list:
 * ourselves, alive, suspect, and the dead and left that are still remembered.
 */

/** How often one piece of news is put into packets in all: multiplier × ⌈log10(members + 1)⌉. */
export function transmitLimit(multiplier: number, members: number): number {
  return multiplier * Math.ceil(Math.log10(members + 1));
}

/** Confirmations that shorten a suspicion to its minimum; 0 where too few others exist to give them. */
export function confirmationsWanted(suspicionMultiplier: number, members: number): number {
  const wanted = suspicionMultiplier - 2;
  return members - 2 < wanted ? 0 : Math.max(0, wanted);
}

/** The shortest time from suspicion to verdict: multiplier × max(1, log10 members) × probe interval. */
export function suspicionMinMs(multiplier: number, members: number, probeIntervalMs: number): number {
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  // memberlist cuts the logarithm to three decimals.
  return (multiplier * Math.floor(scale * 1_000) * probeIntervalMs) / 1_000;
}

/**
 * Time from the first suspicion to the verdict after `confirmations` further accusers (Lifeguard, 4.2): it falls
 * with the logarithm from the maximum to the minimum, because the first confirmation says more than the third.
 */
export function suspicionTimeoutMs(
  minMs: number,
  maxMs: number,
  confirmations: number,
  confirmationsToMin: number,
): number {
  if (confirmationsToMin < 1) return minMs;
  const share = Math.log(confirmations + 1) / Math.log(confirmationsToMin + 1);
  return Math.max(minMs, Math.floor(maxMs - (maxMs - minMs) * share));
}

/** Full exchanges grow with the cluster, so beyond 32 members they become rarer: ×2 up to 64, ×3 up to 128 … */
export function pushPullIntervalMs(intervalMs: number, members: number): number {
  if (members <= 32) return intervalMs;
  return intervalMs * (Math.ceil(Math.log2(members) - 5) + 1);
}

/** How long a query waits for answers when its asker does not say. */
export function queryTimeoutMs(gossipIntervalMs: number, multiplier: number, members: number): number {
  return gossipIntervalMs * multiplier * Math.ceil(Math.log10(members + 1));
}

/** Local health stretches what we wait for others: score 0 is healthy and waits once, 7 waits eight times as long. */
export function stretchedMs(intervalMs: number, healthScore: number): number {
  return intervalMs * (healthScore + 1);
}

/** Chance that one round of reconnecting tries a failed member: few failed among many need no hurry. */
export function reconnectChance(failed: number, alive: number): number {
  return Math.min(1, failed / Math.max(1, alive));
}
