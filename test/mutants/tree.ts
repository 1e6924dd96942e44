/** A copy of the sources that the simulator needs, in which one mutant at a time is at work. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { transformWithEsbuild } from 'vite';
import type { Mutant } from './mutant.ts';

export interface Caught {
  readonly seed: number;
  readonly rule: string;
  readonly text: string;
}

const folders = ['agent', 'checks', 'proto', 'server', 'test/sim', 'test/mutants'];
/** A mutant that makes the program run in circles is caught by that. */
const huntMsMax = 600_000;

export class MutantTree {
  readonly #root: string;
  readonly #path: string;

  private constructor(root: string, path: string) {
    this.#root = root;
    this.#path = path;
  }

  /** `root` is the repository. */
  static async copy(root: string): Promise<MutantTree> {
    const path = await mkdtemp(join(tmpdir(), 'rollcall-mutants-'));
    for (const folder of folders) {
      await mkdir(join(path, folder), { recursive: true });
      await cp(join(root, folder), join(path, folder), { recursive: true });
    }
    for (const file of ['package.json', 'tsconfig.json']) await cp(join(root, file), join(path, file));
    await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
    const config = {
      extends: './tsconfig.json',
      compilerOptions: { noEmit: false, noCheck: true, declaration: false, outDir: 'dist' },
      include: [],
      files: ['test/mutants/hunt.ts'],
    };
    await writeFile(join(path, 'tsconfig.mutants.json'), JSON.stringify(config));
    await execa(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.mutants.json'], { cwd: path });
    return new MutantTree(root, path);
  }

  /** Lives `count` seeds with the mutant at work; null when nothing was found. Throws when the mutant does not fit. */
  async hunt(
    mutant: Mutant | null,
    { first, count, minutes }: { first: number; count: number; minutes: number },
  ): Promise<Caught | null> {
    if (mutant !== null) await this.#compile(mutant.file, await mutated(this.#root, mutant));
    try {
      const args = ['dist/test/mutants/hunt.js', `${first}`, `${count}`, `${minutes}`];
      const result = await execa('node', args, { cwd: this.#path, timeout: huntMsMax, reject: false });
      if (result.timedOut) return { seed: first, rule: 'liveness', text: 'the simulation does not end' };
      // What the program throws is a finding; a hunt that cannot even begin has caught nothing.
      if (result.failed) throw new Error(result.stderr);
      return JSON.parse(result.stdout) as Caught | null;
    } finally {
      if (mutant !== null) {
        await this.#compile(mutant.file, await readFile(join(this.#root, mutant.file), 'utf8'));
      }
    }
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }

  /** One file, as the compiler would: types go, and imports name what stands in `dist`. */
  async #compile(file: string, text: string): Promise<void> {
    const { code } = await transformWithEsbuild(text, file, { target: 'esnext', sourcemap: false });
    const out = join(this.#path, 'dist', file.replace(/\.ts$/, '.js'));
    await writeFile(out, code.replaceAll(/(['"])(\.{1,2}\/[^'"]+)\.ts\1/g, '$1$2.js$1'));
  }
}

/** The file with the mutant in it. Throws when its piece does not stand there exactly once. */
export async function mutated(root: string, { name, file, from, to }: Mutant): Promise<string> {
  const text = await readFile(join(root, file), 'utf8');
  const pieces = text.split(from);
  if (pieces.length !== 2) throw new Error(`${name}: its piece occurs ${pieces.length - 1} times in ${file}`);
  return pieces.join(to);
}
