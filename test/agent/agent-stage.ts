/** A whole agent in this process, on real ports and in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Agent } from '../../agent/agent.ts';
import { openHost } from '../../agent/cli/open-host.ts';
import { checkedConfig } from '../../agent/cli/run-agent.ts';
import { startServer } from '../../agent/cli/start-server.ts';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import { signatureOf } from '../../agent/config/files.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { freePort } from '../ports.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  json<T>(): T;
}

export class AgentStage {
  readonly folder = mkdtempSync(join(tmpdir(), 'agent-'));
  readonly lines: string[] = [];
  readonly #line = (text: string) => void this.lines.push(text);
  readonly #logger = {
    debug: this.#line,
    info: this.#line,
    warn: this.#line,
    error: this.#line,
    setLevel: () => {},
  };
  #port = 0;
  #agent: Agent | null = null;
  #release: () => Promise<void> = async () => {};

  constructor() {
    onTestFinished(async () => {
      await this.stop();
      rmSync(this.folder, { recursive: true });
    });
  }

  get agent(): Agent {
    return this.#agent!;
  }

  write(text: string): void {
    writeFileSync(join(this.folder, 'agent.yaml'), text);
  }

  /** A cluster of one with a fast heartbeat; its data stay in the folder from start to start. */
  async start(): Promise<void> {
    this.#port = await freePort();
    const logger = this.#logger;
    const config = await this.#read();
    const { host, folder } = await openHost(config, logger);
    this.#release = () => folder.release();
    this.#agent = await Agent.start({
      config,
      host,
      folder,
      logger,
      startServer,
      keys: [],
      readConfig: () => this.#read(),
      configSignature: () => signatureOf([join(this.folder, 'agent.yaml')]),
      onEnd: () => {},
    });
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = null;
    await this.#release();
    this.#release = async () => {};
  }

  async request(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, json: () => JSON.parse(text) };
  }

  async #read(): Promise<AgentConfig> {
    const loaded = await loadConfig({
      paths: [join(this.folder, 'agent.yaml')],
      flags: {
        node: 'web-1',
        server: true,
        bootstrapExpect: 1,
        bind: '127.0.0.1',
        dataDir: join(this.folder, 'data'),
        httpPort: this.#port,
        serfPort: 0,
        serverPort: 0,
      },
    });
    return checkedConfig(loaded, this.#logger);
  }
}
