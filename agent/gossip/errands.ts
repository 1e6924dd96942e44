/**
 * Somebody could not reach a member and asks us to try: we ping it in our own name, pass on its ack, or say that we
 * heard nothing either. One of our own kind also learns when the member's host refused us.
 */
import type { IndirectPing, Ping } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { AckListener } from './acks.ts';
import { hostOf } from './addresses.ts';
import type { Deadline } from './deadlines.ts';
import type { Kin } from './kin.ts';
import type { Parts } from './parts.ts';
import { Refusal } from './refusal.ts';

export class Errands {
  readonly #parts: Parts;
  readonly #kin: Kin;
  readonly #ownPort: number;

  constructor(options: { parts: Parts; kin: Kin; ownPort: number }) {
    this.#parts = options.parts;
    this.#kin = options.kin;
    this.#ownPort = options.ownPort;
  }

  /** `from` is where the request came from, for askers that do not say where the answer shall go. */
  run(request: IndirectPing, from: Endpoint): void {
    const { acks, counters } = this.#parts;
    const host = hostOf(request.target);
    if (host === undefined || acks.full) {
      counters.add('errands_refused');
      return;
    }
    counters.add('errands');
    const target = { host, port: request.port === 0 ? this.#ownPort : request.port };
    const asker = sourceOf(request, from);
    const errand = new Errand(this.#parts, { request, target, asker });
    if (this.#kin.isKin(request.sourceNode)) {
      errand.onRefused = () => this.#kin.sendRefused(asker, request.seqNo);
    }
    errand.start();
  }
}

class Errand implements AckListener {
  onRefused: (() => void) | null = null;
  readonly #parts: Parts;
  readonly #request: IndirectPing;
  readonly #target: Endpoint;
  readonly #asker: Endpoint;
  readonly #deadlines: Deadline[] = [];
  #refusal: Refusal | null = null;
  #seqNo = 0;

  constructor(parts: Parts, what: { request: IndirectPing; target: Endpoint; asker: Endpoint }) {
    this.#parts = parts;
    this.#request = what.request;
    this.#target = what.target;
    this.#asker = what.asker;
  }

  start(): void {
    const { config, deadlines, outbox } = this.#parts;
    this.#seqNo = this.#parts.acks.expect(this);
    outbox.post(this.#target, this.#ping());
    if (config.refusalCheckMs > 0 && this.onRefused !== null) {
      this.#deadlines.push(deadlines.after(config.refusalCheckMs, () => this.#askHost()));
    }
    this.#deadlines.push(deadlines.after(config.probeTimeoutMs, () => this.#onSilence()));
  }

  onAck(): void {
    this.#end();
    this.#parts.outbox.post(this.#asker, { type: 'ackResp', seqNo: this.#request.seqNo, payload: null });
  }

  /** The asker waits no longer than for an ack of its own, so the host gets half of what is left of that. */
  #askHost(): void {
    const { config, deadlines } = this.#parts;
    const forMs = (config.probeTimeoutMs - config.refusalCheckMs) / 2;
    const refusal = new Refusal(this.#parts, {
      target: this.#target,
      ping: this.#ping(),
      reports: {
        onWord: () => {
          if (refusal.tcp === 'refused') this.#tellRefused();
        },
        onAck: () => this.onAck(),
      },
    });
    this.#refusal = refusal;
    refusal.askByStream(config.probeTimeoutMs);
    refusal.knock(forMs);
    const isTimeUp = () => {
      if (refusal.refused) this.#tellRefused();
    };
    this.#deadlines.push(deadlines.after(forMs, isTimeUp));
  }

  /** Once. A nack goes after it: who was refused got no ack. */
  #tellRefused(): void {
    this.onRefused?.();
    this.onRefused = null;
  }

  #onSilence(): void {
    this.#end();
    if (!this.#request.nack) return;
    this.#parts.outbox.post(this.#asker, { type: 'nackResp', seqNo: this.#request.seqNo });
  }

  #end(): void {
    this.#parts.acks.forget(this.#seqNo);
    this.#refusal?.stop();
    for (const deadline of this.#deadlines) deadline.cancel();
  }

  #ping(): Ping {
    const { name: sourceNode, addr: sourceAddr, port: sourcePort } = this.#parts.self.record;
    return { type: 'ping', seqNo: this.#seqNo, node: this.#request.node, sourceAddr, sourcePort, sourceNode };
  }
}

/** Where the answer to a ping shall go: what the asker says of itself, or else where the packet came from. */
export function sourceOf(request: Ping | IndirectPing, from: Endpoint): Endpoint {
  if (request.sourcePort === 0 || request.sourceAddr.length === 0) return from;
  const host = hostOf(request.sourceAddr);
  return host === undefined ? from : { host, port: request.sourcePort };
}
