/** Which files make a configuration, in which order, and what they hold. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Place } from './located.ts';
import { hclAdvice, Problems } from './problems.ts';

const readable = ['.yaml', '.yml', '.json'];
/** A file of this size is none that a person wrote; it is refused before it is read. */
const fileBytesMax = 16 * 1024 * 1024;

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Each path is a file or a folder; of a folder every `.yaml`, `.yml` and `.json` counts, in the order of their
 * names, without folders inside of it. What cannot be read is a problem and is left out.
 */
export async function readConfigFiles(paths: readonly string[], problems: Problems): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const path of paths) {
    for (const file of await filesOf(path, problems)) {
      const text = await readText(file, problems);
      if (text !== undefined) files.push({ path: file, text });
    }
  }
  return files;
}

/** Changes when a file is added, removed or written; for whoever wants to know without reading them. */
export async function signatureOf(paths: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const path of paths) {
    for (const file of await filesOf(path, new Problems())) {
      const signature = await stat(file).then(
        ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
        (error: unknown) => reason(error),
      );
      parts.push(`${file} ${signature}`);
    }
  }
  return parts.join('\n');
}

async function filesOf(path: string, problems: Problems): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) {
      if (extname(path) !== '.hcl') return [path];
      problems.error(top(path), [], hclAdvice);
      return [];
    }
    const names = (await readdir(path)).sort();
    for (const name of names) {
      if (extname(name) === '.hcl') problems.error(top(join(path, name)), [], hclAdvice);
    }
    const found = names.filter((name) => readable.includes(extname(name))).map((name) => join(path, name));
    if (found.length === 0) {
      problems.warning(top(path), [], `the folder holds no ${readable.join(', ')} file`);
    }
    return found;
  } catch (error) {
    problems.error(top(path), [], `cannot be read: ${reason(error)}`);
    return [];
  }
}

async function readText(path: string, problems: Problems): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > fileBytesMax) {
      problems.error(top(path), [], `is larger than ${fileBytesMax / 1024 / 1024} MiB`);
      return undefined;
    }
    const bytes = await readFile(path);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const undecodable = error instanceof TypeError;
    problems.error(top(path), [], undecodable ? 'is not UTF-8 text' : `cannot be read: ${reason(error)}`);
    return undefined;
  }
}

function top(path: string): Place {
  return { file: path, line: 0, column: 0 };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
