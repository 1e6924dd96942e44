/** Listeners in every form that there is. Each goes on where it was, whatever happens to its connection. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { connect } from '../../../agent/client/index.ts';
import { linesOf } from '../../../agent/client/lines.ts';
import type { HealthEvent, StreamRecord } from '../../../proto/schema/event.ts';

const retryMs = 100;
/** An answer of a server that has been stopped never comes. */
const idleTimeoutMs = 20_000;

export abstract class Listener {
  readonly name: string;
  /** Everything that came, in the order in which it came. */
  readonly heard: HealthEvent[] = [];
  /** Gaps, and what was refused: there must be none. */
  readonly complaints: string[] = [];
  protected readonly base: string;
  protected readonly abort = new AbortController();
  protected position = 0;
  #running: Promise<void> | undefined;

  constructor(name: string, address: string) {
    this.name = name;
    this.base = `http://${address}`;
  }

  start(): void {
    this.#running = this.#listen();
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.#running;
  }

  /** Everything up to here was heard or passed over. */
  get reached(): number {
    return this.position;
  }

  protected abstract listenOnce(): Promise<void>;

  protected take(record: StreamRecord): void {
    if ('Gap' in record) this.complaints.push(JSON.stringify(record));
    if ('Offset' in record) {
      this.heard.push(record);
      this.position = record.Offset;
    }
    if ('Position' in record) this.position = record.Position;
  }

  /** 5xx passes; the rest is wrong for good. */
  protected async complain(answer: Response): Promise<void> {
    const text = await answer.text();
    if (answer.status < 500) this.complaints.push(`${answer.status} ${text}`);
  }

  async #listen(): Promise<void> {
    while (!this.abort.signal.aborted) {
      // Whatever breaks off is begun again.
      await this.listenOnce().catch(() => {});
      if (!this.abort.signal.aborted) await pause(retryMs);
    }
  }

  protected fetch(path: string, headers: Record<string, string> = {}, init: RequestInit = {}) {
    return fetch(`${this.base}${path}`, { headers, signal: this.abort.signal, ...init });
  }
}

export class TypedListener extends Listener {
  protected async listenOnce(): Promise<void> {
    const client = connect(this.base, { retryMsMax: 500 });
    for await (const record of client.records({ after: this.position, signal: this.abort.signal })) {
      this.take(record);
    }
  }
}

export class PollListener extends Listener {
  protected async listenOnce(): Promise<void> {
    const answer = await this.fetch(`/v1/events?after=${this.position}&wait=2s&limit=100`);
    if (!answer.ok) return this.complain(answer);
    for (const event of (await answer.json()) as HealthEvent[]) this.take(event);
    this.position = Number(answer.headers.get('x-rollcall-offset'));
  }
}

export class SseListener extends Listener {
  protected async listenOnce(): Promise<void> {
    const answer = await this.fetch('/v1/events/stream?after=0', {
      accept: 'text/event-stream',
      ...(this.position > 0 && { 'last-event-id': String(this.position) }),
    });
    if (!answer.ok) return this.complain(answer);
    let id = '';
    for await (const line of linesOf(answer.body!, idleTimeoutMs)) {
      if (line.startsWith('id: ')) id = line.slice(4);
      if (!line.startsWith('data: ')) continue;
      const record = JSON.parse(line.slice(6)) as StreamRecord;
      this.take(record);
      if (!('Error' in record) && Number(id) !== this.position) this.complaints.push(`id ${id}: ${line}`);
    }
  }
}

/** Of one kind of events only; what it passes over moves its position. */
export class FilteredListener extends Listener {
  protected async listenOnce(): Promise<void> {
    const query = `after=${this.position}&filter=${encodeURIComponent('Kind == "check.changed"')}`;
    const answer = await this.fetch(`/v1/events/stream?${query}`, { accept: 'application/x-ndjson' });
    if (!answer.ok) return this.complain(answer);
    for await (const line of linesOf(answer.body!, idleTimeoutMs)) this.take(JSON.parse(line));
  }
}

export class SocketListener extends Listener {
  protected listenOnce(): Promise<void> {
    const url = `${this.base.replace('http', 'ws')}/v1/events/stream?after=${this.position}`;
    const socket = new WebSocket(url);
    const { signal } = this.abort;
    return new Promise((resolve) => {
      const end = () => socket.terminate();
      let idle = setTimeout(end, idleTimeoutMs);
      signal.addEventListener('abort', end, { once: true });
      socket.on('message', (data) => {
        clearTimeout(idle);
        idle = setTimeout(end, idleTimeoutMs);
        this.take(JSON.parse(String(data)));
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(idle);
        signal.removeEventListener('abort', end);
        resolve();
      });
    });
  }
}

/** Knows nothing of its own: the servers remember how far it has confirmed. What it had not confirmed may come again. */
export class NamedListener extends Listener {
  #confirming: Promise<unknown> = Promise.resolve();

  protected async listenOnce(): Promise<void> {
    const answer = await this.fetch('/v1/events/stream?cursor=chaos', { accept: 'application/x-ndjson' });
    if (!answer.ok) return this.complain(answer);
    for await (const line of linesOf(answer.body!, idleTimeoutMs)) {
      this.take(JSON.parse(line));
      const Offset = this.position;
      this.#confirming = this.#confirming.then(() => this.#confirm(Offset)).catch(() => {});
    }
  }

  async #confirm(Offset: number): Promise<void> {
    if (Offset < this.position) return;
    const signal = AbortSignal.timeout(idleTimeoutMs);
    await this.fetch(
      '/v1/events/cursors/chaos',
      {},
      { method: 'PUT', body: JSON.stringify({ Offset }), signal },
    );
  }
}
