/**
 * Evidence that a process is gone and not only silent: its host lives, and says that nobody is behind the port. It has two
 * ways to say so, and they do not weigh the same.
 *
 * - *TCP: connection refused.* Nobody forges that who does not see our packets, since it quotes 32 bits of ours. It
 *   counts at once.
 * - *UDP: port unreachable* (ICMP), the answer to a second ping from a socket of its own. It quotes nothing but a port, and
 *   whoever answers to every port finds that one too; encryption does not help, because no process sent it. So it counts
 *   only when the time is over without an ack on any way, only while nothing tells that the answers are forged
 *   (`agent/knocker.ts` says how that shows), and not when the member's TCP port took our connection: a process that
 *   stands still does so, one that is gone does not.
 *
 * Nobody condemns on that alone: two members must have seen it, and see it again after a grace (`verdicts.ts`).
 */
import type { Ping } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Knocking, StreamPing } from './dossier.ts';
import type { Answer } from './exchanges.ts';
import type { Parts } from './parts.ts';

/** What came back from a knock. After `forged` nothing more is said. */
export type Echo = 'unreachable' | 'forged';

/**
 * Sends a packet from a socket of its own and listens for `forMs` to what the host says of the port. May call back
 * twice, since what looked true may turn out to be forged; never within this call.
 */
export type Knock = (to: Endpoint, packet: Uint8Array, forMs: number, onEcho: (echo: Echo) => void) => void;

export interface RefusalReports {
  /** The host said that nobody is there: a reason to ask others at once. For `refused` it may be too early. */
  onWord(): void;
  /** The member has acked the ping of the knock. */
  onAck(): void;
}

export class Refusal {
  readonly #parts: Parts;
  readonly #target: Endpoint;
  readonly #ping: Ping;
  readonly #reports: RefusalReports;
  #tcp: StreamPing = 'not tried';
  #udp: Knocking = 'not tried';
  #knockSeqNo: number | null = null;
  #over = false;

  constructor(parts: Parts, what: { target: Endpoint; ping: Ping; reports: RefusalReports }) {
    this.#parts = parts;
    this.#target = what.target;
    this.#ping = what.ping;
    this.#reports = what.reports;
  }

  get tcp(): StreamPing {
    return this.#tcp;
  }

  get udp(): Knocking {
    return this.#udp;
  }

  /** What is known by now says that nobody is there. Without TCP's word that is to be asked when the time is over. */
  get refused(): boolean {
    if (this.#tcp === 'refused') return true;
    return this.#udp === 'unreachable' && this.#tcp !== 'mute' && this.#tcp !== 'answered';
  }

  /** A ping over TCP, once. */
  askByStream(timeoutMs: number): void {
    if (this.#tcp !== 'not tried') return;
    this.#tcp = 'silence';
    const { exchanges } = this.#parts;
    const onOpen = () => {
      if (this.#tcp === 'silence') this.#tcp = 'mute';
    };
    exchanges.ask(this.#target, this.#ping, timeoutMs, (answer) => this.#onStreamAnswer(answer), onOpen);
  }

  /** A ping from a socket of its own, once; nothing where such evidence is switched off. */
  knock(forMs: number): void {
    const { acks, config, counters, knock, outbox } = this.#parts;
    if (this.#udp !== 'not tried' || config.refusalCheckMs === 0) return;
    this.#udp = 'silence';
    counters.add('knocks');
    const seqNo = acks.expect({ onAck: () => this.#reports.onAck() });
    this.#knockSeqNo = seqNo;
    // The ack goes where all acks go. Without our name nobody wonders why we speak from another port than we announce.
    const packet = outbox.packetOf({ ...this.#ping, seqNo, sourceNode: '' });
    knock(this.#target, packet, forMs, (echo) => this.#onEcho(echo));
  }

  stop(): void {
    this.#over = true;
    if (this.#knockSeqNo !== null) this.#parts.acks.forget(this.#knockSeqNo);
  }

  #onStreamAnswer({ failure, message }: Answer): void {
    if (this.#over) return;
    if (message?.type === 'ackResp' && message.seqNo === this.#ping.seqNo) this.#tcp = 'answered';
    if (failure === 'unreachable') this.#tcp = 'unreachable';
    if (failure !== 'refused') return;
    this.#tcp = 'refused';
    if (this.#parts.config.refusalCheckMs > 0) this.#reports.onWord();
  }

  #onEcho(echo: Echo): void {
    if (this.#over) return;
    this.#udp = echo;
    if (echo === 'forged') this.#parts.counters.add('knocks_forged');
    else this.#reports.onWord();
  }
}
