/**
 * The leader's duty: what gossip knows → what the catalog says, and the only bridge between them. Gossip is fast and may
 * be wrong for a moment, so a verdict is looked at once more before it is proposed, and it names the life that it is
 * about. A new leader compares everything at once and every minute after: what happened during an election is not lost.
 */
import { isExpected, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { NodeRow } from '../proto/schema/catalog.ts';
import type { CommandBody } from '../proto/schema/command.ts';
import type { AgentIdentity } from '../proto/schema/journal.ts';
import { type Dossier, Dossiers } from './dossiers.ts';
import type { State } from './fsm/state.ts';
import { type GossipMember, type GossipNews, type GossipView, isThere } from './gossip-view.ts';

export interface ReconcilePorts {
  readonly gossip: GossipView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly datacenter: string;
  /** The catalog as this server has it now. */
  state(): Readonly<State>;
  /** Rejects with an `ExpectedError` when this server leads no longer. */
  propose(body: CommandBody): Promise<unknown>;
}

export interface ReconcileLimits {
  /** A node that failed or left so long ago is forgotten. Default 72 h, as in Consul. */
  readonly reconnectTimeoutMs: number;
  /** Time between two full comparisons. Default 60,000. */
  readonly compareIntervalMs: number;
  /** How long a verdict waits for the accuser's dossier. Default 300. */
  readonly dossierWaitMs: number;
}

const defaults: ReconcileLimits = {
  reconnectTimeoutMs: 72 * 60 * 60 * 1000,
  compareIntervalMs: 60_000,
  dossierWaitMs: 300,
};

export class Reconcile {
  readonly #ports: ReconcilePorts;
  readonly #limits: ReconcileLimits;
  readonly #dossiers: Dossiers;
  /** Nodes with a proposal under way; each is looked at again when it is through. */
  readonly #busy = new Map<string, Promise<void>>();
  /** Living rows that gossip does not know, since when; one comparison is not enough to judge. */
  readonly #unknownSince = new Map<string, number>();
  #leading: { timer: Timer | null; stop: () => void } | null = null;

  constructor(ports: ReconcilePorts, limits: Partial<ReconcileLimits> = {}) {
    this.#ports = ports;
    this.#limits = { ...defaults, ...limits };
    this.#dossiers = new Dossiers(ports.clock);
  }

  /** This server leads now. */
  lead(): void {
    if (this.#leading !== null) return;
    this.#leading = { timer: null, stop: this.#ports.gossip.onChange((news) => this.#receiveNews(news)) };
    this.#compare();
  }

  /** It leads no longer, or stops. */
  follow(): void {
    this.#leading?.timer?.cancel();
    this.#leading?.stop();
    this.#leading = null;
    this.#unknownSince.clear();
  }

  /** What an accuser found. It fails nobody: only this server's own gossip gives the verdict. */
  receiveDossier(dossier: Dossier): void {
    const wasAwaited = this.#dossiers.receive(dossier);
    const row = this.#ports.state().catalog.node(dossier.node);
    const isLate = row?.state === 'failed' && row.id === dossier.nodeId && isAbout(row, dossier);
    if (wasAwaited || !isLate || this.#leading === null || this.#busy.has(dossier.node)) return;
    this.#dossiers.forget(dossier.node);
    const { life } = row;
    this.#start(dossier.node, () =>
      this.#propose({ kind: 'node.evidence', v: 1, node: row.name, life, evidence: json(dossier.evidence) }),
    );
  }

  /** An agent speaks to us: its row is made or revived before what it says, when gossip knows it to be there. */
  async introduce(identity: AgentIdentity): Promise<void> {
    const member = this.#ports.gossip.member(identity.node);
    if (this.#leading === null || member?.id !== identity.nodeId || !isThere(member)) return;
    const row = this.#ports.state().catalog.node(identity.node);
    if (row !== undefined && (row.state === 'alive' || row.id !== identity.nodeId)) return;
    this.#consider(member);
    await this.#busy.get(identity.node);
  }

  #receiveNews({ member, dossier }: GossipNews): void {
    if (dossier !== null && dossier !== undefined) {
      const { name: node, id: nodeId, incarnation } = member;
      this.receiveDossier({ node, nodeId, incarnation, evidence: dossier });
    }
    this.#consider(member);
  }

  #compare(): void {
    const { gossip, clock } = this.#ports;
    if (this.#leading === null) return;
    this.#leading.timer = clock.after(this.#limits.compareIntervalMs, () => this.#compare());
    const { catalog } = this.#ports.state();
    const known = new Set<string>();
    for (const member of gossip.members()) {
      known.add(member.name);
      this.#consider(member);
    }
    for (const row of catalog.nodes()) {
      if (!known.has(row.name) && !row.external) this.#considerUnknown(row);
      else this.#unknownSince.delete(row.name);
    }
  }

  #consider(member: GossipMember): void {
    if (this.#leading === null || this.#busy.has(member.name) || member.id === '') return;
    const row = this.#ports.state().catalog.node(member.name);
    if (row === undefined || row.external) {
      if (isThere(member)) this.#start(member.name, () => this.#enter(member, row));
      return;
    }
    if (isThere(member)) this.#considerThere(member, row);
    else if (member.state === 'failed' && row.state === 'alive') {
      this.#start(member.name, () => this.#fail(row));
    } else if (member.state === 'left' && row.state !== 'left') {
      // A node that had failed does not say goodbye: an operator said it for it.
      const cause = row.state === 'failed' ? 'operator' : 'leave';
      this.#start(row.name, () =>
        this.#propose({ kind: 'node.left', v: 1, node: row.name, life: row.life, cause }),
      );
    } else this.#considerReap(row);
  }

  #considerThere(member: GossipMember, row: NodeRow): void {
    this.#unknownSince.delete(row.name);
    if (row.id !== member.id && row.state === 'alive') {
      this.#start(row.name, () => this.#replace(member, row));
    } else if (row.state !== 'alive') {
      this.#start(row.name, () => this.#enter(member, row));
    }
  }

  #considerUnknown(row: NodeRow): void {
    if (this.#busy.has(row.name)) return;
    if (row.state !== 'alive') {
      this.#considerReap(row);
      return;
    }
    const nowMs = this.#ports.clock.nowMs();
    const sinceMs = this.#unknownSince.get(row.name) ?? nowMs;
    this.#unknownSince.set(row.name, sinceMs);
    if (nowMs - sinceMs < this.#limits.compareIntervalMs) return;
    const evidence = { Reason: 'gossip does not know this node' };
    this.#start(row.name, async () => {
      if (this.#ports.gossip.member(row.name) === undefined) await this.#proposeFailed(row, evidence);
    });
  }

  #considerReap(row: NodeRow): void {
    const state = this.#ports.state();
    const ending = state.endings.get(row.name);
    if (row.state === 'alive' || ending?.life !== row.life || state.servers.has(row.id)) return;
    // Wall time, because the 72 hours outlive any process; a clock that jumps by days forgets a dead node too early.
    if (this.#ports.clock.wallMs() - ending.timeMs < this.#limits.reconnectTimeoutMs) return;
    this.#start(row.name, () => this.#propose({ kind: 'node.reap', v: 1, node: row.name, life: row.life }));
  }

  async #enter(member: GossipMember, row: NodeRow | undefined): Promise<void> {
    this.#dossiers.forget(member.name);
    const isKnown = row !== undefined && row.id === member.id && !row.external;
    const identity: AgentIdentity = {
      node: member.name,
      nodeId: member.id,
      address: member.host,
      datacenter: member.datacenter === '' ? this.#ports.datacenter : member.datacenter,
      // What only the agent itself can say of its node stays as it last said it.
      taggedAddresses: (isKnown ? row.taggedAddresses : null) ?? { lan: member.host, wan: member.host },
      meta: (isKnown ? row.meta : null) ?? {},
    };
    await this.#propose({ kind: 'node.alive', v: 1, identity, incarnation: member.incarnation });
  }

  /** Gossip has settled that the name belongs to another node id now: the former holder is gone. */
  async #replace(member: GossipMember, row: NodeRow): Promise<void> {
    await this.#proposeFailed(row, { Reason: `node id ${member.id} took the name over` });
    await this.#enter(member, undefined);
  }

  async #fail(row: NodeRow): Promise<void> {
    const dossier = await this.#dossiers.wait(row.name, this.#limits.dossierWaitMs, (it) => isAbout(row, it));
    // It may have refuted meanwhile: nobody is failed whom our own gossip believes alive.
    if (this.#ports.gossip.member(row.name)?.state !== 'failed') return;
    this.#dossiers.forget(row.name);
    await this.#proposeFailed(row, dossier?.evidence ?? null);
  }

  #proposeFailed(row: NodeRow, evidence: unknown): Promise<void> {
    const { name: node, life } = row;
    return this.#propose({ kind: 'node.failed', v: 1, node, life, evidence: json(evidence) });
  }

  #start(node: string, act: () => Promise<void>): void {
    const before = this.#ports.gossip.member(node);
    const work = act().finally(() => {
      this.#busy.delete(node);
      const now = this.#ports.gossip.member(node);
      // News that came meanwhile was not looked at. Without any, a proposal that failed waits for the next comparison.
      if (now !== undefined && (now.state !== before?.state || now.id !== before.id)) this.#consider(now);
    });
    this.#busy.set(node, work);
  }

  async #propose(body: CommandBody): Promise<void> {
    try {
      await this.#ports.propose(body);
    } catch (error) {
      if (!isExpected(error)) throw error;
      // The next comparison, here or at the next leader, finds the same difference.
      this.#ports.logger.debug(`gossip's news did not reach the catalog: ${messageOf(error)}`, {
        command: body.kind,
      });
    }
  }
}

/** Members forget a dead node and let it come back at 1, so only a dossier of an older incarnation is surely not about it. */
function isAbout(row: NodeRow, dossier: Dossier): boolean {
  return row.id === dossier.nodeId && dossier.incarnation >= row.incarnation;
}

type Json = Extract<CommandBody, { kind: 'node.failed' }>['evidence'];

/** Evidence came over the wire as plain data. */
function json(evidence: unknown): Json {
  return (evidence ?? null) as Json;
}
