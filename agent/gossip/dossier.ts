/**
 * What spoke for a verdict, for people who want to know why. Plain data, since it travels to the leader and into the
 * event log as it is.
 */
import type { Verdict } from './beliefs.ts';
import type { Dossier } from './membership.ts';
import type { Parts } from './parts.ts';

/** What one helper said: it reached nobody either, it was refused, or it never came back to us. */
export type HelperAnswer = 'silence' | 'nack' | 'refused';

/** How the TCP ping went; `mute` took the connection and said nothing. */
export type StreamPing = 'not tried' | 'silence' | 'mute' | 'refused' | 'unreachable' | 'answered';

/** What came back of the ping from a socket of its own: `unreachable` is the host's word that the port is closed. */
export type Knocking = 'not tried' | 'silence' | 'unreachable' | 'forged';

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
  readonly udp: Knocking;
}

/** The story behind one of our own verdicts. */
export function dossierOf(parts: Parts, { suspicion, reason, evidence }: Verdict): Dossier {
  const { awareness, deadlines, members, self } = parts;
  const record = members.record(suspicion.number);
  const nowMs = deadlines.nowMs();
  return {
    node: record.name,
    nodeId: record.id,
    incarnation: suspicion.incarnation,
    judge: self.name,
    accuser: suspicion.accuser,
    reason,
    suspectedAt: iso(deadlines.wallMsOf(suspicion.startedMs)),
    verdictAt: iso(deadlines.wallMsOf(nowMs)),
    suspicion: {
      minMs: Math.round(suspicion.minMs),
      maxMs: Math.round(suspicion.maxMs),
      tookMs: Math.round(nowMs - suspicion.startedMs),
      confirmationsWanted: suspicion.confirmationsWanted,
    },
    confirmations: suspicion.confirmations.map(({ from, afterMs }) => ({
      from,
      afterMs: Math.round(afterMs),
    })),
    // What first made us suspicious, when we saw it ourselves, and the last look.
    firstProbe: suspicion.evidence === null ? null : story(suspicion.evidence),
    lastProbe: evidence === null ? null : story(evidence),
    // How the judge itself was: 0 is healthy; the longest stop of its own event loop within the last minute.
    localHealth: awareness.score,
    loopLagMs: Math.round(awareness.loopLagMs(nowMs)),
    members: members.count,
  };
}

function story({ atMs, address, timeoutMs, intervalMs, helpers, tcp, udp }: ProbeEvidence) {
  return {
    at: iso(atMs),
    address,
    timeoutMs,
    intervalMs,
    helpers: helpers.map((helper) => ({ ...helper })),
    tcp,
    udp,
  };
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
