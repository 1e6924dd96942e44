/**
 * The listeners of `transitions.ts`, all in one process. Each reads lines of JSON at one server and goes on at the next when
 * that one dies. All of them watch that no offset is missing, doubled or early; the first one reads what the events say.
 */
import { request } from 'undici';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';

export interface ListenOrder {
  readonly urls: readonly string[];
  readonly listeners: number;
}

export interface ListenNews {
  /** Last offset that all of them have heard. */
  readonly reached: number;
  readonly lost: number;
  readonly doubled: number;
  readonly early: number;
  /** How often a stream was begun anew. */
  readonly resumed: number;
  /** Last serial number of each agent. */
  readonly heard: Readonly<Record<string, number>>;
  /** From the change on its agent to the first listener, in milliseconds, in the order of the events. */
  readonly delaysMs: readonly number[];
}

const retryMs = 100;
const offsetPattern = /^\{"Schema":1,"Offset":(\d+),/;

class Tally {
  lost = 0;
  doubled = 0;
  early = 0;
  resumed = 0;
  readonly heard: Record<string, number> = {};
  readonly delaysMs: number[] = [];

  /** Serial numbers of one agent come as 1, 2, 3 … */
  read(event: HealthEvent): void {
    if (event.Kind !== 'check.changed') return;
    const before = this.heard[event.Node] ?? 0;
    this.count(before, Number(event.Output));
    this.heard[event.Node] = Math.max(before, Number(event.Output));
    this.delaysMs.push(Date.now() - Date.parse(event.ObservedAt));
  }

  count(before: number, next: number): void {
    if (next > before + 1) this.lost += next - before - 1;
    else if (next === before) this.doubled += 1;
    else if (next < before) this.early += 1;
  }
}

class Listener {
  readonly #urls: readonly string[];
  readonly #tally: Tally;
  readonly #reads: boolean;
  #at: number;
  position = 0;

  constructor(urls: readonly string[], number: number, tally: Tally) {
    this.#urls = urls;
    this.#at = number;
    this.#reads = number === 0;
    this.#tally = tally;
  }

  async run(): Promise<never> {
    for (;;) {
      await this.#listen().catch(() => {});
      this.#tally.resumed += 1;
      this.#at += 1;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  async #listen(): Promise<void> {
    const url = `${this.#urls[this.#at % this.#urls.length]}/v1/events/stream?after=${this.position}`;
    const { statusCode, body } = await request(url, { headers: { accept: 'application/x-ndjson' } });
    if (statusCode !== 200) {
      await body.dump();
      return;
    }
    let rest = '';
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.#take(line);
    }
  }

  #take(line: string): void {
    const offset = Number(offsetPattern.exec(line)?.[1]);
    if (Number.isNaN(offset)) {
      const record = JSON.parse(line) as StreamRecord;
      if ('Gap' in record) this.#tally.lost += 1;
      return;
    }
    this.#tally.count(this.position, offset);
    this.position = Math.max(this.position, offset);
    if (this.#reads) this.#tally.read(JSON.parse(line) as HealthEvent);
  }
}

let tally = new Tally();
let listeners: Listener[] = [];

/** An order begins; anything else asks for the news. */
process.on('message', (message: ListenOrder | 'news') => {
  if (message !== 'news') {
    tally = new Tally();
    listeners = Array.from({ length: message.listeners }, (_, n) => new Listener(message.urls, n, tally));
    for (const listener of listeners) void listener.run();
    return;
  }
  const { lost, doubled, early, resumed, heard, delaysMs } = tally;
  const reached = Math.min(...listeners.map(({ position }) => position));
  process.send!({ reached, lost, doubled, early, resumed, heard, delaysMs } satisfies ListenNews);
});

// Nobody is left to tell.
process.once('disconnect', () => process.exit());
