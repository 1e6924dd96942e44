/**
 * A gossip key is replaced while everybody goes on talking: first all members can open the new key, then all seal with
 * it, then nobody keeps another one:
 *
 *     install everywhere → use everywhere → remove the others
 *
 * What is next follows from what all members say about their rings, so a rotation that broke off anywhere goes on from
 * where they are, and aborting is nothing but a rotation back to the old key. Nobody is left behind: a member that does
 * not answer, or has failed and may come back with the old key only, is waited for.
 */
import { ExpectedError, isExpected, messageOf } from '../proto/errors.ts';
import { someNames } from '../proto/names.ts';
import type { Clock, Random } from '../proto/ports.ts';
import { keyFromBase64, keyToBase64 } from './gossip/keyring.ts';
import type { KeyOperation } from './gossip/serf/internal-queries.ts';
import type { KeyReport } from './gossip/serf/keys.ts';
import type { StoredValue } from './registrations.ts';

/** A rotation that is under way or broke off. */
export interface SavedRotation {
  /** The key to go to, and the one to go back to. */
  readonly to: string;
  readonly from: string;
  /** Keys that were there before; any other one is somebody else's work. */
  readonly known: readonly string[];
  /** All members held `to` before it began, those that failed since included: nobody can be locked out. */
  readonly heldByAll?: boolean;
}

export interface KeyRotationPorts {
  readonly clock: Clock;
  readonly random: Random;
  keys(operation: KeyOperation, key: string): Promise<KeyReport>;
  /** Members that failed and have not been given up. */
  failedMembers(): readonly string[];
  /** `null` when there is nothing to go on with. */
  readonly saved: StoredValue<SavedRotation | null>;
}

export type RotationStep = Exclude<KeyOperation, 'list'>;

export interface RotationStatus {
  /** `interrupted`: it broke off and can be resumed or aborted. */
  readonly state: 'none' | 'running' | 'interrupted' | 'done';
  /** Null before the first look at the rings. */
  readonly step: RotationStep | null;
  /** What keeps it from the next step, or why it broke off; '' for nothing. */
  readonly reason: string;
  /** '' when there is none. */
  readonly to: string;
  readonly from: string;
}

/** Between two looks at the rings while somebody is waited for. */
const retryMs = 2_000;

export class KeyRotation {
  readonly #ports: KeyRotationPorts;
  #status: RotationStatus;
  /** Ends the running rotation; null when there is none. */
  #running: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor(ports: KeyRotationPorts) {
    this.#ports = ports;
    const saved = ports.saved.read() ?? null;
    this.#status =
      saved === null
        ? { state: 'none', step: null, reason: '', to: '', from: '' }
        : { ...saved, state: 'interrupted', step: null, reason: 'the agent was stopped' };
  }

  status(): RotationStatus {
    return this.#status;
  }

  /**
   * Begins; `to` (base64) null: to a new key. Rejects with BAD_REQUEST when one is under way, when `to` is no key, or when
   * the rings do not say from which key to go.
   */
  async start(to: string | null): Promise<RotationStatus> {
    const { state } = this.#status;
    if (state === 'running') throw refusal('a key rotation is under way');
    if (state === 'interrupted' && to === null)
      throw refusal('a key rotation broke off: resume or abort it first');
    // As the rings spell it, or it would never be found in them.
    const target = to === null ? null : keyToBase64(keyFromBase64(to));
    const report = await this.#ports.keys('list', '');
    const known = keysOf(report);
    const from = commonPrimary(report);
    if (target === null && known.length > 1) {
      throw refusal(
        `the rings hold ${known.length} keys, so another rotation may be under way: remove those that are not needed, or name the key to go to`,
      );
    }
    return this.#begin({ to: target ?? this.#newKey(from), from, known });
  }

  /** Goes on where the rings are. Rejects with BAD_REQUEST when there is nothing to go on with. */
  resume(): RotationStatus {
    const saved = this.#ports.saved.read() ?? null;
    if (this.#running !== null) return this.#status;
    if (saved === null) throw refusal('there is no key rotation to go on with');
    return this.#begin(saved);
  }

  /** Back to the old key. Rejects with BAD_REQUEST when nothing is under way. */
  async abort(): Promise<RotationStatus> {
    const saved = this.#ports.saved.read() ?? null;
    if (saved === null) throw refusal('there is no key rotation to abort');
    await this.stop();
    const { to, from, known } = saved;
    // As long as nobody has removed the old key, members that failed on the way have it as well.
    const report = await this.#ports.keys('list', '');
    const heldByAll =
      missingAnswers(report) === '' && Object.values(report.rings).every((ring) => ring.includes(from));
    return this.#begin({ to: from, from: to, known: [...new Set([...known, to])], heldByAll });
  }

  /** Breaks off what is under way, behind the question that is being asked; the rings stay as they are. */
  halt(): void {
    this.#running?.abort();
  }

  /** As `halt`; resolves when it has ended. */
  async stop(): Promise<void> {
    this.halt();
    await this.#ended;
  }

  #begin(rotation: SavedRotation): RotationStatus {
    this.#ports.saved.write(rotation);
    const { to, from } = rotation;
    this.#status = { state: 'running', step: null, reason: '', to, from };
    const running = new AbortController();
    this.#running = running;
    this.#ended = this.#run(rotation, running.signal);
    return this.#status;
  }

  async #run(rotation: SavedRotation, signal: AbortSignal): Promise<void> {
    try {
      let taken = '';
      while (!signal.aborted) {
        const step = await this.#advance(rotation);
        if (step === null) break;
        // A step that has to be taken again has not worked everywhere, whatever was said.
        if (step === '' || step === taken) await this.#pause(signal);
        taken = step;
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#status = { ...this.#status, state: 'interrupted', reason: messageOf(error) };
    } finally {
      this.#running = null;
    }
    if (this.#status.state !== 'running') return;
    if (signal.aborted) this.#status = { ...this.#status, state: 'interrupted', reason: 'it was stopped' };
    else {
      this.#status = { ...this.#status, state: 'done', reason: '' };
      this.#ports.saved.write(null);
    }
  }

  /** One look and at most one step, which it names; '' while it waits, null at the end. Throws when others are at work. */
  async #advance({ heldByAll = false, known, to }: SavedRotation): Promise<string | null> {
    const report = await this.#ports.keys('list', '');
    const foreign = keysOf(report).find((key) => key !== to && !known.includes(key));
    if (foreign !== undefined) {
      throw refusal('a key has appeared that is no part of this rotation: somebody else changes the rings');
    }
    const next = nextStep(Object.values(report.rings), to);
    const missing = missingAnswers(report);
    if (missing === '' && next === null) return null;
    const held = missing || (heldByAll || next!.operation === 'install' ? '' : this.#mayComeBack());
    this.#status = { ...this.#status, step: next?.operation ?? this.#status.step, reason: held };
    if (held !== '') return '';
    const outcome = missingAnswers(await this.#ports.keys(next!.operation, next!.key));
    this.#status = { ...this.#status, reason: outcome };
    return outcome === '' ? `${next!.operation} ${next!.key}` : '';
  }

  #mayComeBack(): string {
    const failed = this.#ports.failedMembers();
    if (failed.length === 0) return '';
    return `waiting for ${someNames(failed)}, failed: it would come back without the new key (force-leave gives it up)`;
  }

  #newKey(from: string): string {
    const { length } = Buffer.from(from, 'base64');
    return Buffer.from(this.#ports.random.bytes(length)).toString('base64');
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#ports.clock.after(retryMs, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

/** From the rings of all members, each with its sealing key first; null when all of them hold `to` and nothing else. */
export function nextStep(
  rings: ReadonlyArray<readonly string[]>,
  to: string,
): { readonly operation: RotationStep; readonly key: string } | null {
  if (rings.some((ring) => !ring.includes(to))) return { operation: 'install', key: to };
  if (rings.some((ring) => ring[0] !== to)) return { operation: 'use', key: to };
  const other = rings.flat().find((key) => key !== to);
  return other === undefined ? null : { operation: 'remove', key: other };
}

function keysOf({ rings }: KeyReport): string[] {
  return [...new Set(Object.values(rings).flat())];
}

/** Throws BAD_REQUEST unless all members answer, and all seal with one key. */
function commonPrimary(report: KeyReport): string {
  const missing = missingAnswers(report);
  if (missing !== '') throw refusal(missing);
  const primaries = [...new Set(Object.values(report.rings).map(([primary]) => primary ?? ''))];
  const [primary = ''] = primaries;
  if (primaries.length === 1 && primary !== '') return primary;
  throw refusal('the members do not all seal with one key: choose one with "use" first');
}

/** Why not all members are known to have done it; '' when they have. */
function missingAnswers({ failures, silent }: KeyReport): string {
  const [refused] = Object.entries(failures);
  if (refused !== undefined) return `${refused[0]} says: ${refused[1]}`;
  return silent.length === 0 ? '' : `no answer from ${someNames(silent)}`;
}

function refusal(message: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', message);
}
