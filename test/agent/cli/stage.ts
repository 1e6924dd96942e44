/** A stage for command lines: a fake agent that answers over HTTP, and a terminal that remembers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { type Io, OutputClosed } from '../../../agent/cli/io.ts';
import { run } from '../../../agent/cli/program.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  /** Writes what it likes and keeps the connection as long as it likes. */
  readonly stream?: (response: ServerResponse) => void;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Starts an agent that knows only these answers; everything else is a 404. */
export async function fakeAgent(answer: (request: Request) => Reply | undefined) {
  const requests: Request[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      const url = new URL(incoming.url!, 'http://agent');
      const request = {
        method: incoming.method!,
        path: url.pathname,
        query: url.searchParams,
        body,
        headers: incoming.headers,
      };
      requests.push(request);
      const reply = answer(request) ?? { status: 404 };
      response.writeHead(reply.status ?? 200, reply.headers);
      if (reply.stream) reply.stream(response);
      else response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, requests };
}

/** What a command printed; `linesMax` closes the output after so many lines, as `head` does. */
export class Terminal implements Io {
  readonly env: Record<string, string | undefined> = {};
  out = '';
  error = '';
  linesMax = Number.POSITIVE_INFINITY;

  async print(text: string): Promise<void> {
    if (this.out.split('\n').length > this.linesMax) throw new OutputClosed();
    this.out += text;
  }

  async complain(text: string): Promise<void> {
    this.error += text;
  }
}

/** Runs one command line. */
export async function rollcall(argv: readonly string[], env: Record<string, string> = {}, linesMax?: number) {
  const terminal = new Terminal();
  Object.assign(terminal.env, env);
  if (linesMax !== undefined) terminal.linesMax = linesMax;
  const code = await run(argv, terminal);
  return { code, out: terminal.out, error: terminal.error };
}

/** Runs a command against an agent that has these answers, by `METHOD path`. */
export async function ask(answers: Record<string, Reply>, argv: readonly string[]) {
  const agent = await fakeAgent((request) => answers[`${request.method} ${request.path}`]);
  const result = await rollcall([...argv, '--http-addr', agent.address]);
  return { ...result, requests: agent.requests };
}
