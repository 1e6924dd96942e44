/**
 * Before I call somebody dead, I ask how well I am myself. The score grows when my probes stay unanswered by
 * helpers too, when I have to refute an accusation, and when my own process stalls; it shrinks with every probe
 * that succeeds. The wait for answers is stretched by it (Lifeguard, 4.1).
 */
import { stretchedMs } from './scale.ts';

/** A stall is worth mentioning in a verdict for this long. */
const stallRememberedMs = 60_000;

export class Awareness {
  readonly #scoreMax: number;
  #score = 0;
  #worstStall = { ms: 0, atMs: 0 };
  #heardMs = 0;

  /** `maxMultiplier` 8 lets the score reach 7 and waits grow eightfold. */
  constructor(maxMultiplier: number) {
    this.#scoreMax = maxMultiplier - 1;
  }

  /** 0 is healthy. */
  get score(): number {
    return this.#score;
  }

  stretchedMs(intervalMs: number): number {
    return stretchedMs(intervalMs, this.#score);
  }

  onProbeSucceeded(): void {
    this.#change(-1);
  }

  /**
   * Nobody answered. Helpers that said "neither did I" show that the network to them and our own loop are fine,
   * so only the missing ones count; without a helper that could have said so, the failure counts as such.
   */
  onProbeFailed(nacksExpected: number, nacksReceived: number): void {
    this.#change(nacksExpected === 0 ? 1 : Math.max(0, nacksExpected - nacksReceived));
  }

  /** Somebody missed our answers. */
  onRefuted(): void {
    this.#change(1);
  }

  /** The process stood still for a while; the longer, the less its judgement is worth now. */
  onStall(stallMs: number, probeTimeoutMs: number, nowMs: number): void {
    if (stallMs >= this.loopLagMs(nowMs)) this.#worstStall = { ms: stallMs, atMs: nowMs };
    this.#change(1 + Math.floor(stallMs / probeTimeoutMs));
  }

  /** A packet came, from whomever. */
  onHeard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** How long nobody at all has been heard; who hears nobody cannot tell who is gone. */
  silenceMs(nowMs: number): number {
    return nowMs - this.#heardMs;
  }

  /** The longest stall of late, in milliseconds; 0 when there was none. */
  loopLagMs(nowMs: number): number {
    return nowMs - this.#worstStall.atMs < stallRememberedMs ? this.#worstStall.ms : 0;
  }

  #change(delta: number): void {
    this.#score = Math.min(this.#scoreMax, Math.max(0, this.#score + delta));
  }
}
