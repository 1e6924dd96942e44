/**
 * One client over HTTP, without the HTTP: it writes values with an idempotency key and sends each write once or more often,
 * at any server, in turn or at the same time; now and then it writes a value again, which is a write of its own. It reads
 * in all three modes. What it is told goes into the history.
 */
import { type ErrorCode, ExpectedError, isExpected } from '../../proto/errors.ts';
import type { Once, ReadMode, Rpc } from '../../proto/rpc.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import type { Findings } from './checkers/findings.ts';
import { type ValuesChecker, valueCheck } from './checkers/values.ts';
import type { History, Ticket } from './history.ts';
import type { SimHost } from './host.ts';
import { PeerRpc } from './peer-rpc.ts';
import type { VirtualProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import { rpcPort } from './sim-server.ts';
import type { Wires } from './wires.ts';

export interface ClientPorts {
  readonly host: SimHost;
  readonly wires: Wires;
  readonly random: SeededRandom;
  readonly history: History;
  readonly values: ValuesChecker;
  readonly findings: Findings;
  /** Time between two operations of this client, on average. */
  thinkMs(): number;
  readonly keys: number;
  /** Sites of the servers that can be asked now. */
  servers(): readonly string[];
  onBug(error: unknown): void;
}

/** The write has surely not happened; everything else leaves it open. */
const definite: readonly ErrorCode[] = ['NO_LEADER', 'NOT_LEADER', 'BUSY', 'NO_SERVERS', 'TOO_LARGE'];
const attemptsMax = 3;

type Answer = { readonly index: number; readonly offset: number };

interface Write {
  readonly key: string;
  readonly value: string;
  readonly once: Once | null;
  readonly ticket: Ticket;
  readonly errors: ErrorCode[];
  /** Where it is sent; undefined: anywhere. */
  readonly site: string | undefined;
  answer: Answer | null;
}

export class SimClient {
  readonly #ports: ClientPorts;
  readonly #process: VirtualProcess;
  readonly #rpcs = new Map<string, PeerRpc>();
  #writes = 0;
  /** The value that was written last. */
  #value = '';
  #stopped = false;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
    this.#process = ports.host.boot();
  }

  start(): void {
    this.#live().catch((error: unknown) => this.#ports.onBug(error));
  }

  /** One operation at this server, beside whatever is under way. */
  askAt(site: string): void {
    if (this.#stopped) return;
    const operation = this.#ports.random.chance(0.4) ? this.#write(site) : this.#read(site);
    operation.catch((error: unknown) => this.#ports.onBug(error));
  }

  /** Begins nothing new. */
  stop(): void {
    this.#stopped = true;
  }

  async #live(): Promise<void> {
    const { random } = this.#ports;
    for (;;) {
      await this.#pause(random.between(0, 2 * this.#ports.thinkMs()));
      if (this.#stopped) return;
      if (random.chance(0.6)) await this.#write();
      else await this.#read();
    }
  }

  async #write(site?: string): Promise<void> {
    const { host, random, history, values } = this.#ports;
    this.#writes += 1;
    const name = `${host.name}-${this.#writes}`;
    if (this.#value === '' || random.chance(0.9)) this.#value = name;
    const value = this.#value;
    const key = this.#pickKey();
    const ticket = history.invoke(key, { kind: 'write', value });
    values.invoked(value);
    const once = random.chance(0.85) ? { client: host.name, key: name } : null;
    const write: Write = { key, value, once, ticket, errors: [], answer: null, site };
    if (once === null) await this.#send(write);
    else if (random.chance(0.2)) {
      const copies = Array.from({ length: random.int(2, 4) }, () => this.#send(write));
      await Promise.all(copies);
    } else {
      for (let attempt = 0; attempt < attemptsMax && write.answer === null; attempt++) {
        await this.#send(write);
        if (write.answer === null) await this.#pause(random.between(0, 500));
      }
    }
    if (write.answer === null) this.#conclude(write);
    // A copy that somebody held back for a while.
    else if (once !== null && random.chance(0.1)) {
      await this.#pause(random.between(0, 3_000));
      await this.#send(write);
    }
  }

  async #send(write: Write): Promise<void> {
    const { history, values, findings } = this.#ports;
    const { key, value, once, ticket, site } = write;
    try {
      const answer = await this.#serverAt(site).call(
        'catalog.write',
        { body: registration(key, value), once },
        { timeoutMs: this.#ports.random.between(300, 5_000) },
      );
      if (write.answer === null) {
        write.answer = answer;
        history.answered(ticket);
        values.acknowledged(key, value, answer.offset);
      } else {
        const first = write.answer;
        findings.check(
          first.index === answer.index && first.offset === answer.offset,
          'first answer',
          () =>
            `${value} was answered with ${JSON.stringify(first)} and, sent again, with ${JSON.stringify(answer)}`,
        );
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
      write.errors.push(error.code);
    }
  }

  #conclude({ value, errors, ticket }: Write): void {
    const { history, values } = this.#ports;
    if (errors.every((code) => definite.includes(code))) {
      history.refused(ticket);
      values.refused(value);
    } else history.unknown(ticket);
  }

  async #read(site?: string): Promise<void> {
    const { random, history, values } = this.#ports;
    const mode: ReadMode = random.pick(['default', 'consistent', 'stale']);
    const node = this.#pickKey();
    // A stale read says nothing about now, but what it says of then must be true.
    const ticket = mode === 'stale' ? null : history.invoke(node, { kind: 'read', value: null });
    try {
      const options = {
        maxStaleMs: random.chance(0.5) ? null : 1_000,
        timeoutMs: random.between(300, 5_000),
      };
      const { value, offset } = await readValue(this.#serverAt(site), node, mode, options);
      if (ticket !== null) history.answered(ticket, value);
      values.read(node, value, offset);
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (ticket !== null) history.unknown(ticket);
    }
  }

  #pickKey(): string {
    return `ext-${this.#ports.random.int(0, this.#ports.keys)}`;
  }

  #serverAt(given: string | undefined): PeerRpc {
    const { wires, host, random } = this.#ports;
    const sites = this.#ports.servers();
    if (sites.length === 0) throw new ExpectedError('NO_SERVERS');
    const site = given ?? random.pick(sites);
    const known = this.#rpcs.get(site);
    if (known !== undefined) return known;
    const peer = { nodeId: host.name, node: host.name, kind: 'agent', clusterId: '' } as const;
    const speaker = { host, site: host.site, process: this.#process, peer: () => peer };
    const rpc = new PeerRpc(wires, speaker, () => ({ host: site, port: rpcPort }));
    this.#rpcs.set(site, rpc);
    return rpc;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#process.after(delayMs, resolve));
  }
}

/** The value of an external node as one server tells it, and the offset of the last event that the answer contains. */
export async function readValue(
  server: Rpc,
  node: string,
  mode: ReadMode,
  { maxStaleMs, timeoutMs }: { readonly maxStaleMs: number | null; readonly timeoutMs: number },
): Promise<{ readonly value: string | null; readonly offset: number }> {
  const params = { query: { of: 'nodeChecks', node }, mode, maxStaleMs } as const;
  const { rows, offset } = await server.call('catalog.query', params, { timeoutMs });
  return { value: rows.checks.find(({ id }) => id === valueCheck)?.status ?? null, offset };
}

/** An external node whose one check has the value as its status: each write is an event of its own. */
export function registration(name: string, value: string): CommandBody {
  return {
    kind: 'catalog.register',
    v: 1,
    node: {
      name,
      id: '',
      address: '10.9.9.9',
      datacenter: 'dc1',
      taggedAddresses: null,
      meta: null,
      skipUpdate: false,
    },
    service: null,
    checks: [
      {
        node: name,
        id: valueCheck,
        name: valueCheck,
        notes: '',
        status: value,
        output: '',
        serviceId: '',
        serviceName: '',
        serviceTags: [],
        type: '',
        definition: {},
      },
    ],
  };
}
