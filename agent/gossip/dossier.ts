/**
 * What spoke for a verdict, for people who want to know why. Plain data, since it travels to the leader and into the
 * event log as it is.
 */
import type { Dossier } from './membership.ts';

/** What one helper said: it reached nobody either, it was refused, or it never came back to us. */
export type HelperAnswer = 'silence' | 'nack' | 'refused';

/** How the TCP ping went. */
export type StreamPing = 'not tried' | 'silence' | 'refused' | 'unreachable' | 'answered';

/** One probe that found nobody. */
export interface ProbeEvidence {
  /** Unix milliseconds of the direct ping. */
  readonly atMs: number;
  /** `host:port` that was asked. */
  readonly address: string;
  readonly timeoutMs: number;
  /** From the direct ping to the verdict, stretched by our own health. */
  readonly intervalMs: number;
  readonly helpers: readonly { readonly name: string; readonly answer: HelperAnswer }[];
  readonly tcp: StreamPing;
}

/** How the prober itself was at that time. */
export interface Fitness {
  /** Lifeguard's score: 0 is healthy. */
  readonly localHealth: number;
  /** Longest stop of our own event loop within the last minute, in milliseconds. */
  readonly loopLagMs: number;
}

export function verdictDossier(options: {
  node: string;
  nodeId: string;
  incarnation: number;
  /** Ours: it was our timer that ran out. */
  judge: string;
  accuser: string;
  /** Why the time was up. */
  reason: 'silence' | 'refused';
  suspectedAtMs: number;
  verdictAtMs: number;
  minMs: number;
  maxMs: number;
  confirmationsWanted: number;
  confirmations: readonly { readonly from: string; readonly afterMs: number }[];
  probe: ProbeEvidence | null;
  fitness: Fitness;
  members: number;
}): Dossier {
  const { probe } = options;
  return {
    node: options.node,
    nodeId: options.nodeId,
    incarnation: options.incarnation,
    judge: options.judge,
    accuser: options.accuser,
    reason: options.reason,
    suspectedAt: iso(options.suspectedAtMs),
    verdictAt: iso(options.verdictAtMs),
    suspicion: {
      minMs: Math.round(options.minMs),
      maxMs: Math.round(options.maxMs),
      tookMs: Math.round(options.verdictAtMs - options.suspectedAtMs),
      confirmationsWanted: options.confirmationsWanted,
    },
    confirmations: options.confirmations.map(({ from, afterMs }) => ({ from, afterMs: Math.round(afterMs) })),
    probe:
      probe === null
        ? null
        : {
            at: iso(probe.atMs),
            address: probe.address,
            timeoutMs: probe.timeoutMs,
            intervalMs: probe.intervalMs,
            helpers: probe.helpers,
            tcp: probe.tcp,
          },
    localHealth: options.fitness.localHealth,
    loopLagMs: Math.round(options.fitness.loopLagMs),
    members: options.members,
  };
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
