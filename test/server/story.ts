/** A state machine with a log of its own: tests say what is committed and look at what came of it. */
import { encode } from '../../proto/codec.ts';
import type { Membership } from '../../proto/raft.ts';
import type { Once } from '../../proto/rpc.ts';
import type { OwnCheck, OwnService } from '../../proto/schema/catalog.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { AgentIdentity, JournalRecord } from '../../proto/schema/journal.ts';
import { encodeCommand } from '../../server/fsm/commands.ts';
import { Fsm } from '../../server/fsm/fsm.ts';
import type { Outcome } from '../../server/fsm/outcome.ts';

export const startMs = Date.parse('2026-11-22T03:12:00.000Z');

export function membershipOf(voters: readonly string[], learners: readonly string[] = []): Membership {
  const addresses = Object.fromEntries([...voters, ...learners].map((id) => [id, `${id}.example:8300`]));
  return { voters, outgoing: null, learners, addresses };
}

export class Story {
  readonly fsm = new Fsm({ logId: 'log-1', membership: membershipOf(['id-s1']) });
  readonly events: HealthEvent[] = [];
  timeMs = startMs;

  commit(body: CommandBody, once: Once | null = null): Outcome {
    this.timeMs += 1000;
    return this.#append('command', encodeCommand({ timeMs: this.timeMs, once, body }))!;
  }

  commitMembership(membership: Membership): void {
    this.#append('membership', encode(membership));
  }

  commitRaw(data: unknown): void {
    this.#append('command', encode(data));
  }

  /** Events since the last call, as `kind from>to`. */
  news(): string[] {
    return this.events.splice(0).map((event) => `${event.Kind} ${event.From}>${event.To}`);
  }

  alive(node: string, nodeId = `id-${node}`): Outcome {
    return this.commit({ kind: 'node.alive', v: 1, identity: identityOf(node, nodeId), incarnation: 1 });
  }

  failed(node: string, life = 1): Outcome {
    return this.commit({ kind: 'node.failed', v: 1, node, life, evidence: { accuser: 'web-2' } });
  }

  journal(node: string, records: JournalRecord[], journalId = `journal-${node}`): Outcome {
    return this.commit({ kind: 'journal', v: 1, identity: identityOf(node), journalId, records });
  }

  #append(kind: 'command' | 'membership', data: Uint8Array): Outcome | null {
    const { index } = this.fsm.state;
    const applied = this.fsm.apply({ index: index + 1, term: 1, kind, data });
    this.events.push(...applied.events);
    return applied.outcome;
  }
}

export function identityOf(node: string, nodeId = `id-${node}`): AgentIdentity {
  return { node, nodeId, address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: {}, meta: {} };
}

export function checkOf(id: string, fields: Partial<OwnCheck> = {}): OwnCheck {
  return {
    id,
    name: id,
    notes: '',
    status: 'passing',
    output: '',
    serviceId: '',
    type: 'http',
    definition: {},
    ...fields,
  };
}

export function serviceOf(id: string, fields: Partial<OwnService> = {}): OwnService {
  return {
    id,
    name: id,
    tags: [],
    address: '',
    port: 80,
    meta: {},
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    kind: '',
    ...fields,
  };
}

export function turned(
  revision: number,
  check: string,
  status: 'passing' | 'warning' | 'critical',
): JournalRecord {
  return {
    kind: 'check.status',
    revision,
    observedAtMs: startMs + revision,
    check,
    status,
    output: `run ${revision}`,
    cause: 'check',
  };
}

export function put(revision: number, check: OwnCheck): JournalRecord {
  return { kind: 'check.put', revision, observedAtMs: startMs + revision, check };
}
