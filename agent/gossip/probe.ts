/**
 * One probe: is this member there?
 *
 *     ask directly ──────────────── ack ──▶ answered
 *        │ refusalCheckMs: over TCP as well, and the host whether the port is closed
 *        │ probeTimeoutMs, or the host says "nobody is there"
 *     ask through others ────────── ack ──▶ answered
 *        │ TCP refused us, and another one ──▶ failed at once, as `refused`
 *        │ interval, stretched by our own health
 *     verdict: TCP answered? fine, UDP is blocked. Else ──▶ failed
 */
import { formatAddress } from '../../proto/address.ts';
import type { Ping } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { AckListener } from './acks.ts';
import type { Deadline } from './deadlines.ts';
import type { HelperAnswer, ProbeEvidence } from './dossier.ts';
import { answersStreamPing, canNack } from './outbox.ts';
import type { Parts } from './parts.ts';
import type { MemberRecord } from './records.ts';
import { Refusal } from './refusal.ts';

export interface ProbeResult {
  readonly answered: boolean;
  /** Only from a direct answer: how long it took, and what came with it. */
  readonly direct: { readonly rttMs: number; readonly payload: Uint8Array | null } | null;
  readonly evidence: ProbeEvidence;
  /** Members, ourselves included, to whom the target's host said that nobody is there. */
  readonly refusedBy: readonly string[];
  /** When the first of them was told so, in running milliseconds: the process was gone by then. Null without any. */
  readonly refusedMs: number | null;
  readonly nacksExpected: number;
  readonly nacksReceived: number;
}

interface Helper {
  readonly record: MemberRecord;
  answer: HelperAnswer;
}

/**
 * `regular` as drawn above; `urgent` asks over every path at once and waits only as long as for a direct answer, to see
 * whether somebody is still gone; `brief` does the same without troubling others.
 */
export type ProbeEffort = 'regular' | 'urgent' | 'brief';

/** Witnesses of a refusal that are enough to end a probe. */
export const witnessesWanted = 2;

export class Probe implements AckListener {
  readonly #parts: Parts;
  readonly #target: MemberRecord;
  readonly #onDone: (result: ProbeResult) => void;
  readonly #ping: Ping;
  readonly #startedMs: number;
  readonly #intervalMs: number;
  readonly #seqNo: number;
  readonly #helpers: Helper[] = [];
  readonly #refusal: Refusal;
  #waiting: Deadline | null = null;
  #askedOthers = false;
  #refusedMs: number | null = null;
  #over = false;

  constructor(options: {
    parts: Parts;
    target: MemberRecord;
    effort: ProbeEffort;
    onDone: (result: ProbeResult) => void;
  }) {
    this.#parts = options.parts;
    this.#target = options.target;
    this.#onDone = options.onDone;
    const { awareness, config, deadlines } = this.#parts;
    this.#startedMs = deadlines.nowMs();
    this.#intervalMs =
      options.effort === 'regular' ? awareness.stretchedMs(config.probeIntervalMs) : config.probeTimeoutMs;
    this.#seqNo = this.#parts.acks.expect(this);
    const { name: sourceNode, addr: sourceAddr, port: sourcePort } = this.#parts.self.record;
    const { name: node } = this.#target;
    this.#ping = { type: 'ping', seqNo: this.#seqNo, node, sourceAddr, sourcePort, sourceNode };
    this.#refusal = new Refusal(this.#parts, {
      target: this.#target.endpoint,
      ping: this.#ping,
      reports: { onWord: () => this.#onWord(), onAck: () => this.#finish(true, null) },
    });
    this.#askDirectly();
    if (options.effort === 'brief') this.#askByStream();
    if (options.effort === 'urgent') this.#askOthers();
    if (options.effort === 'regular') this.#waitForDirect();
    else this.#waitUntil(this.#intervalMs, () => this.#onTimeUp());
  }

  onAck(payload: Uint8Array | null): void {
    const direct = this.#askedOthers
      ? null
      : { rttMs: this.#parts.deadlines.nowMs() - this.#startedMs, payload };
    this.#finish(true, direct);
  }

  onNack(from: Endpoint): void {
    // A nack carries no name, and behind a translator its address says nothing either: then any helper will do.
    const silent = this.#helpers.filter(({ record, answer }) => answer === 'silence' && canNack(record));
    const helper = silent.find(({ record }) => isSameEndpoint(record.endpoint, from)) ?? silent[0];
    if (helper !== undefined) helper.answer = 'nack';
  }

  onRefusedElsewhere(witness: string): void {
    const helper = this.#helpers.find(({ record }) => record.name === witness);
    if (helper === undefined) return;
    helper.answer = 'refused';
    this.#refusedMs ??= this.#parts.deadlines.nowMs();
    this.#endIfRefused();
  }

  stop(): void {
    this.#over = true;
    this.#parts.acks.forget(this.#seqNo);
    this.#refusal.stop();
    this.#waiting?.cancel();
  }

  #askDirectly(): void {
    const { config, members, outbox, self } = this.#parts;
    const { number, endpoint, name } = this.#target;
    if (members.belief(number) !== 'suspect' || !config.tellSuspects) {
      outbox.post(endpoint, this.#ping);
      return;
    }
    // The suspect hears of the suspicion first of all, so that it can object at once (Lifeguard's buddy system).
    const incarnation = members.incarnation(number);
    outbox.postTo(this.#target, this.#ping, { type: 'suspect', incarnation, node: name, from: self.name });
  }

  #askByStream(): void {
    if (!answersStreamPing(this.#target)) return;
    this.#refusal.askByStream(Math.max(1, Math.min(this.#leftMs(), this.#parts.config.streamTimeoutMs)));
  }

  #askHost(): void {
    this.#askByStream();
    this.#refusal.knock(this.#leftMs());
  }

  /** The host says that nobody is there. */
  #onWord(): void {
    this.#refusedMs ??= this.#parts.deadlines.nowMs();
    this.#askOthers();
    this.#endIfRefused();
  }

  #askOthers(): void {
    if (this.#askedOthers) return;
    this.#askedOthers = true;
    const { outbox } = this.#parts;
    const { name: node, addr: target, port } = this.#target;
    const { sourceAddr, sourcePort, sourceNode } = this.#ping;
    for (const record of this.#pickHelpers()) {
      this.#helpers.push({ record, answer: 'silence' });
      outbox.post(record.endpoint, {
        type: 'indirectPing',
        seqNo: this.#seqNo,
        target,
        port,
        node,
        nack: canNack(record),
        sourceAddr,
        sourcePort,
        sourceNode,
      });
    }
    this.#askHost();
  }

  /** At random, but one of our own kind if there is any: stock members do not tell that they were refused. */
  #pickHelpers(): MemberRecord[] {
    const { config, members, self } = this.#parts;
    const mayHelp = (other: number) =>
      other !== self.number && other !== this.#target.number && members.belief(other) === 'alive';
    const isKin = (other: number) => members.record(other).tags.has(config.kinTag);
    const helpers = members.pick(config.indirectChecks, mayHelp);
    if (config.refusalCheckMs > 0 && !helpers.some(isKin)) {
      const [kin] = members.pick(1, (other) => mayHelp(other) && isKin(other));
      if (kin !== undefined) helpers.splice(-1, 1, kin);
    }
    return helpers.map((number) => members.record(number));
  }

  /** Only what nobody can forge makes it pointless to wait for an ack. */
  #endIfRefused(): void {
    const enough = this.#refusedBy().length >= witnessesWanted;
    if (enough && this.#refusal.tcp === 'refused') this.#finish(false, null);
  }

  #onTimeUp(): void {
    const answered = this.#refusal.tcp === 'answered';
    if (answered) this.#parts.counters.add('probes_answered_by_tcp_only');
    this.#finish(answered, null);
  }

  #finish(answered: boolean, direct: ProbeResult['direct']): void {
    if (this.#over) return;
    this.stop();
    const { config, deadlines } = this.#parts;
    const nacking = this.#helpers.filter(({ record }) => canNack(record));
    this.#onDone({
      answered,
      direct,
      refusedBy: this.#refusedBy(),
      refusedMs: this.#refusedMs,
      nacksExpected: nacking.length,
      nacksReceived: nacking.filter(({ answer }) => answer !== 'silence').length,
      evidence: {
        atMs: deadlines.wallMsOf(this.#startedMs),
        address: formatAddress(this.#target.endpoint),
        timeoutMs: config.probeTimeoutMs,
        intervalMs: this.#intervalMs,
        helpers: this.#helpers.map(({ record, answer }) => ({ name: record.name, answer })),
        tcp: this.#refusal.tcp,
        udp: this.#refusal.udp,
      },
    });
  }

  #refusedBy(): string[] {
    if (this.#parts.config.refusalCheckMs === 0) return [];
    const helpers = this.#helpers
      .filter(({ answer }) => answer === 'refused')
      .map(({ record }) => record.name);
    return this.#refusal.refused ? [this.#parts.self.name, ...helpers] : helpers;
  }

  #waitForDirect(): void {
    const { refusalCheckMs, probeTimeoutMs } = this.#parts.config;
    const askOthers = () => {
      this.#askOthers();
      this.#waitUntil(this.#intervalMs, () => this.#onTimeUp());
    };
    if (refusalCheckMs === 0) {
      this.#waitUntil(probeTimeoutMs, askOthers);
      return;
    }
    this.#waitUntil(refusalCheckMs, () => {
      this.#askHost();
      this.#waitUntil(probeTimeoutMs, askOthers);
    });
  }

  /** Waits for a moment after the beginning of the probe. */
  #waitUntil(afterStartMs: number, run: () => void): void {
    const { deadlines } = this.#parts;
    const waitMs = this.#startedMs + afterStartMs - deadlines.nowMs();
    this.#waiting = deadlines.after(Math.max(0, waitMs), run);
  }

  #leftMs(): number {
    return Math.max(0, this.#startedMs + this.#intervalMs - this.#parts.deadlines.nowMs());
  }
}

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}
