/** The listeners of the examples, against two agents that die and come back; each where its interpreter is there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaOf } from '../../agent/cli/schema.ts';
import { stage } from '../agent/http/stage.ts';
import { describeWithPeers } from '../peers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const patience = { timeout: 60_000, interval: 50 };

const listeners: ReadonlyArray<readonly [name: string, needs: readonly string[], command: string[]]> = [
  ['TypeScript', [], [process.execPath, 'dist/examples/listeners/listen.js']],
  ['shell with curl', ['sh', 'curl'], ['sh', 'examples/listeners/listen.sh']],
  ['Python', ['python3'], ['python3', 'examples/listeners/listen.py']],
];

/** A listener as a process of its own, which is gone when the test is over. */
class Listener {
  readonly #child: ChildProcess;
  #out = '';
  error = '';

  constructor([program, ...args]: readonly string[]) {
    // A group of its own: a shell does not take its children along when it is killed.
    this.#child = spawn(program!, args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout!.setEncoding('utf8').on('data', (text) => {
      this.#out += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.error += text;
    });
    onTestFinished(() => this.kill());
  }

  /** Offsets in the order in which they were printed. */
  offsets(): number[] {
    const lines = this.#out.split('\n').slice(0, -1);
    return lines.map((line) => Number(/^(?:\{"Schema":1,"Offset":)?(\d+)/.exec(line)?.[1]));
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  kill(): void {
    if (this.exitCode !== null || this.#child.signalCode !== null) return;
    process.kill(-this.#child.pid!, 'SIGKILL');
  }
}

function stateFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'listener-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'place');
}

function placeIn(file: string): number {
  return existsSync(file) ? Number(/\d+/.exec(readFileSync(file, 'utf8'))?.[0]) : 0;
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe.each(listeners)('%s', (_name, needs, command) => {
  describeWithPeers('as a process', needs, () => {
    test('goes on at another agent, and after a restart of its own', async () => {
      const first = await stage();
      const second = await stage({ rpc: first.server });
      const { server } = first;
      const file = stateFile();
      const argv = [...command, file, first.url(''), second.url('')];
      server.flap('ext', 'critical', 10);
      const before = new Listener(argv);
      await expect.poll(() => before.offsets(), patience).toEqual(upTo(11));
      await first.http.stop();
      server.flap('ext', 'passing', 4);
      await expect.poll(() => before.offsets(), patience).toEqual(upTo(15));
      await expect.poll(() => placeIn(file), patience).toBe(15);
      before.kill();
      server.flap('ext', 'critical', 3);
      const after = new Listener(argv);
      await expect.poll(() => after.offsets(), patience).toEqual([16, 17, 18]);
    });

    test('tells of a gap, and refuses to go on in another log', async () => {
      const on = await stage();
      const file = stateFile();
      on.server.flap('ext', 'critical', 9);
      const before = new Listener([...command, file, on.url('')]);
      await expect.poll(() => placeIn(file), patience).toBe(10);
      before.kill();
      on.server.flap('ext', 'passing', 5);
      on.server.firstKept = 13;
      const after = new Listener([...command, file, on.url('')]);
      await expect.poll(() => after.offsets(), patience).toEqual([13, 14, 15]);
      expect(after.error).toMatch(/no longer kept/);
      after.kill();
      on.server.logId = 'log-2';
      const lost = new Listener([...command, file, on.url('')]);
      await expect.poll(() => lost.exitCode, patience).toBe(1);
      expect(lost.offsets()).toEqual([]);
      expect(lost.error).toMatch(/log-1|another cluster/);
    });
  });
});

test('the schema beside them is what `rollcall schema record` prints', () => {
  const text = readFileSync(join(root, 'examples/listeners/record.schema.json'), 'utf8');
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(schemaOf('record'))));
});
